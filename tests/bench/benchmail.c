/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints a mailbox file of COUNT messages, about 11 KB each, always the same
 * one for the same COUNT and SEED: plain text, multipart/alternative and
 * attachments, in about the mix that people get.  With `small` behind it all
 * are plain and of about 1 KB.  For the benchmark only.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 72 };

static const char *const words[] = { "the", "mailbox", "letter", "harbour",
    "stone", "walks", "reads", "quickly", "under", "green", "old", "lamp",
    "seven", "meeting", "on", "Tuesday", "please", "find", "report", "and",
    "answer", "before", "we", "leave", "for", "of", "to", "in", "a", "house" };

struct dice {
	uint64_t state;
};

static uint32_t
roll(struct dice *d, uint32_t sides)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (uint32_t)((d->state >> 32) % sides);
}

static const char *
word(struct dice *d)
{
	return words[roll(d, sizeof(words) / sizeof(words[0]))];
}

static void
text(struct dice *d, uint32_t octets, const char *before, const char *after)
{
	uint32_t done = 0;

	while (done < octets) {
		int at = printf("%s", before);

		while (at < LINE)
			at += printf("%s ", word(d));
		at += printf("%s\n", after);
		done += (uint32_t)at;
	}
}

static void
base64(struct dice *d, uint32_t octets)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
	    "qrstuvwxyz0123456789+/";
	char line[77];

	line[76] = '\n';
	for (uint32_t done = 0; done < octets; done += sizeof(line)) {
		for (int i = 0; i < 76; i++)
			line[i] = set[roll(d, 64)];
		fwrite(line, 1, sizeof(line), stdout);
	}
}

static void
header(struct dice *d, uint32_t n)
{
	uint32_t who = roll(d, 500);

	printf("From user%u@example.org Sat Oct  3 %02u:%02u:%02u 2026\n", who,
	    n / 3600 % 24, n / 60 % 60, n % 60);
	printf("Return-Path: <user%u@example.org>\n", who);
	for (int hop = 0; hop < 3; hop++)
		printf("Received: from relay%d.example.org (relay%d.example.org"
		    " [192.0.2.%u])\n\tby mx%d.example.net (Postfix) with"
		    " ESMTPS id %08X%04X\n\tfor <reader@example.net>;"
		    " Sat,  3 Oct 2026 %02u:%02u:%02u +0000 (UTC)\n", hop, hop,
		    roll(d, 250), hop, roll(d, 1u << 31), n & 0xffff,
		    n / 3600 % 24, n / 60 % 60, n % 60);
	printf("DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=sel;\n"
	    "\tbh=");
	base64(d, 77);
	printf("\tb=");
	base64(d, 4 * 77);
	printf("From: \"User %u\" <user%u@example.org>\n"
	    "To: Reader <reader@example.net>, other%u@example.com\n"
	    "Cc: \"List, the\" <list%u@lists.example.org>\n", who, who,
	    roll(d, 90), roll(d, 9));
	printf("Subject: %s%s %s %s %s (%u)\n", roll(d, 2) ? "Re: " : "",
	    word(d), word(d), word(d), word(d), n);
	printf("Date: Sat, %u Oct 2026 %02u:%02u:%02u +0200\n", 1 + n % 28,
	    n / 3600 % 24, n / 60 % 60, n % 60);
	printf("Message-ID: <%u.%08x@example.org>\n", n, roll(d, 1u << 31));
	if (n > 0 && roll(d, 2))
		printf("In-Reply-To: <%u.1@example.org>\n"
		    "References: <%u.1@example.org> <%u.2@example.org>\n",
		    n - 1, n / 2, n - 1);
	printf("MIME-Version: 1.0\nX-Mailer: benchmail 1.0\n");
}

static void
plain(struct dice *d)
{
	printf("Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\n");
	text(d, 500 + roll(d, 6000), "", "");
}

static void
alternative(struct dice *d, uint32_t n)
{
	printf("Content-Type: multipart/alternative;\n"
	    "\tboundary=\"=_alt_%u\"\n\nThis is MIME.\n--=_alt_%u\n"
	    "Content-Type: text/plain; charset=\"utf-8\"\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n", n, n);
	text(d, 500 + roll(d, 5000), "", "=C3=BC=");
	printf("\n--=_alt_%u\nContent-Type: text/html; charset=\"utf-8\"\n"
	    "Content-Transfer-Encoding: 7bit\n\n<html><body>\n", n);
	text(d, 1000 + roll(d, 9000), "<p>", "</p>");
	printf("</body></html>\n\n--=_alt_%u--\n", n);
}

static void
attached(struct dice *d, uint32_t n)
{
	printf("Content-Type: multipart/mixed; boundary=mixed%u\n\n--mixed%u\n",
	    n, n);
	alternative(d, n);
	printf("--mixed%u\nContent-Type: application/pdf; name=\"%s-%u.pdf\"\n"
	    "Content-Disposition: attachment; filename=\"%s-%u.pdf\"\n"
	    "Content-Transfer-Encoding: base64\n\n", n, word(d), n, word(d), n);
	base64(d, 2000 + roll(d, 68000));
	printf("--mixed%u--\n", n);
}

static void
small(struct dice *d, uint32_t n)
{
	uint32_t who = roll(d, 500);

	printf("From user%u@example.org Sat Oct  3 %02u:%02u:%02u 2026\n"
	    "From: \"User %u\" <user%u@example.org>\n"
	    "To: Reader <reader@example.net>\nSubject: %s %s (%u)\n"
	    "Date: Sat, 3 Oct 2026 %02u:%02u:%02u +0000\n"
	    "Message-ID: <%u.%08x@example.org>\n\n", who, n / 3600 % 24,
	    n / 60 % 60, n % 60, who, who, word(d), word(d), n,
	    n / 3600 % 24, n / 60 % 60, n % 60, n, roll(d, 1u << 31));
	text(d, 700, "", "");
}

int
main(int argc, char **argv)
{
	struct dice d = { 0x9e3779b97f4a7c15u };
	unsigned long count;

	if (argc < 2 || argc > 4) {
		fprintf(stderr,
		    "usage: benchmail COUNT [SEED [small]]\n");
		return 64;
	}
	count = strtoul(argv[1], NULL, 10);
	if (argc >= 3)
		d.state ^= strtoul(argv[2], NULL, 10) << 1;
	for (uint32_t n = 0; n < count; n++) {
		uint32_t kind = roll(&d, 100);

		if (argc == 4) {
			small(&d, n);
			putchar('\n');
			continue;
		}
		header(&d, n);
		if (kind < 60)
			plain(&d);
		else if (kind < 85)
			alternative(&d, n);
		else
			attached(&d, n);
		putchar('\n');
	}
	return fflush(stdout) == 0 ? 0 : 74;
}
