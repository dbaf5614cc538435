/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of libc-client to mailboxes, with the names under which
 * programs have used it for thirty years.  Here it opens the mail of the user
 * who runs the program, by the same store as imapd and ipop3d, and beside
 * them.
 *
 * Not here, and so not declared: mailboxes of other hosts (a name with
 * {host} is refused, and mm_log() says so), sorting and threading, quotas and
 * access lists, news, sending.  What a struct has that is not listed here,
 * programs were never promised.
 *
 * The program defines the fifteen functions mm_...(); they are called by
 * functions of this file, and mm_log() by those of rfc822.h that say so, before
 * these return, on the thread that called them.  One stream belongs to one
 * thread at a time; different streams may be used by different threads, also
 * streams of the same mailbox.
 *
 * Texts that are handed out have lines that end in CRLF, and a NUL behind them
 * that is not counted.  Who owns what is said at each function; what the
 * stream owns is gone when the stream is closed.  Strings are not const, as
 * they never were; only where it is said they are written to.
 */
#ifndef MAIL_H
#define MAIL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define NIL	0
#define T	1
#define LONGT	((long)1)
#define VOIDT	((void *)"")

#define MAILTMPLEN	1024	/* a mailbox name fits */
#define NUSERFLAGS	30	/* keywords that have a bit in user_flags */
#define MAXUSERFLAG	64
#define BASEYEAR	1970
#define BADHOST		".MISSING-HOST-NAME."
#define ERRHOST		".SYNTAX-ERROR."

/* What mail_parameters() knows; for any other it answers NIL. */
#define GET_DRIVERS	((long)101)
#define GET_GETS	((long)103)
#define SET_GETS	((long)104)
#define GET_USERNAME	((long)201)
#define GET_HOMEDIR	((long)203)
#define GET_LOCALHOST	((long)205)
#define GET_SYSINBOX	((long)207)

/* What kind of driver it is: the `flags` of a DRIVER. */
#define DR_LOCAL	((unsigned long)0x2)
#define DR_MAIL		((unsigned long)0x4)
#define DR_LOCKING	((unsigned long)0x100)
#define DR_CRLF		((unsigned long)0x200)

/* mail_open().  Those not explained are for networks, and ignored. */
#define OP_DEBUG	((long)0x1)
#define OP_READONLY	((long)0x2)
#define OP_ANONYMOUS	((long)0x4)
#define OP_SHORTCACHE	((long)0x8)	/* envelopes: only of one message */
#define OP_SILENT	((long)0x10)	/* no mm_exists() and the like */
#define OP_PROTOTYPE	((long)0x20)	/* refused */
#define OP_HALFOPEN	((long)0x40)	/* refused: there is no connection */
#define OP_EXPUNGE	((long)0x80)	/* of the stream that is given back */
#define OP_SECURE	((long)0x100)

#define CL_EXPUNGE	((long)0x1)	/* mail_close_full() */

#define EX_UID		((long)0x1)	/* mail_expunge_full() */

/* mail_fetch_...().  All are taken; those not explained change nothing. */
#define FT_UID		((long)0x1)	/* a UID, not a message number */
#define FT_PEEK		((long)0x2)	/* don't set \Seen */
#define FT_NOT		((long)0x4)	/* all lines but those */
#define FT_INTERNAL	((long)0x8)
#define FT_PREFETCHTEXT	((long)0x20)
#define FT_NOHDRS	((long)0x40)

/* mail_flag() */
#define ST_UID		((long)0x1)
#define ST_SILENT	((long)0x2)	/* no mm_flags() */
#define ST_SET		((long)0x4)	/* set them; else clear them */

/* mail_copy_full() */
#define CP_UID		((long)0x1)
#define CP_MOVE		((long)0x2)	/* and set \Deleted here */

/* mail_search_full() */
#define SE_UID		((long)0x1)	/* mm_searched() gets UIDs */
#define SE_FREE		((long)0x2)	/* the program, afterwards */
#define SE_NOPREFETCH	((long)0x4)
#define SE_NOSERVER	((long)0x10)
#define SE_RETAIN	((long)0x20)	/* keep the searched bits of before */

/* mail_status(), and the `flags` of a MAILSTATUS */
#define SA_MESSAGES	((long)0x1)
#define SA_RECENT	((long)0x2)
#define SA_UNSEEN	((long)0x4)
#define SA_UIDNEXT	((long)0x8)
#define SA_UIDVALIDITY	((long)0x10)

/* mail_gc() */
#define GC_ELT		((long)0x1)
#define GC_ENV		((long)0x2)	/* envelopes and bodies */
#define GC_TEXTS	((long)0x4)

/* Second argument of mm_log(), and BYE of mm_notify() */
#define WARN		((long)1)
#define ERROR		((long)2)
#define PARSE		((long)3)
#define BYE		((long)4)

/* Attributes of mm_list() and mm_lsub() */
#define LATT_NOINFERIORS	((long)0x1)
#define LATT_NOSELECT		((long)0x2)
#define LATT_MARKED		((long)0x4)
#define LATT_UNMARKED		((long)0x8)
#define LATT_REFERRAL		((long)0x10)
#define LATT_HASCHILDREN	((long)0x20)
#define LATT_HASNOCHILDREN	((long)0x40)

/* --- Texts and addresses -------------------------------------------------- */

#define SIZEDTEXT	struct mail_sizedtext
SIZEDTEXT {
	unsigned char *data;
	unsigned long size;
};

#define STRINGLIST	struct mail_stringlist
STRINGLIST {
	SIZEDTEXT text;
	STRINGLIST *next;
};

/* For mm_login(), which is never called: there is nobody to log in to. */
#define NETMAXHOST	256
#define NETMAXUSER	65
#define NETMAXMBX	(MAILTMPLEN / 4)
#define NETMAXSRV	21
typedef struct mail_netmbx {
	char host[NETMAXHOST];
	char orighost[NETMAXHOST];
	char user[NETMAXUSER];
	char authuser[NETMAXUSER];
	char mailbox[NETMAXMBX];
	char service[NETMAXSRV];
	unsigned long port;
	unsigned int anoflag : 1;
	unsigned int dbgflag : 1;
	unsigned int secflag : 1;
	unsigned int sslflag : 1;
	unsigned int trysslflag : 1;
	unsigned int novalidate : 1;
	unsigned int tlsflag : 1;
	unsigned int notlsflag : 1;
	unsigned int readonlyflag : 1;
	unsigned int norsh : 1;
	unsigned int loser : 1;
} NETMBX;

/*
 * An address; `mailbox` without `host` begins a group, neither ends it.
 * Strings are as in the header: encoded-words are not decoded.
 */
#define ADDRESS		struct mail_address
ADDRESS {
	char *personal;
	char *adl;		/* the route, "@a,@b" */
	char *mailbox;
	char *host;
	char *error;
	struct {
		char *type;
		char *addr;
	} orcpt;
	ADDRESS *next;
};

typedef struct mail_envelope {
	unsigned int incomplete : 1;
	unsigned int imapenvonly : 1;
	char *remail;
	ADDRESS *return_path;
	unsigned char *date;
	ADDRESS *from;
	ADDRESS *sender;
	ADDRESS *reply_to;
	char *subject;
	ADDRESS *to;
	ADDRESS *cc;
	ADDRESS *bcc;
	char *in_reply_to;
	char *message_id;
	char *newsgroups;
	char *followup_to;
	char *references;
	void *sparep;		/* the program's */
} ENVELOPE;

/* --- Structure ------------------------------------------------------------ */

#define TYPETEXT	0
#define TYPEMULTIPART	1
#define TYPEMESSAGE	2
#define TYPEAPPLICATION	3
#define TYPEAUDIO	4
#define TYPEIMAGE	5
#define TYPEVIDEO	6
#define TYPEMODEL	7
#define TYPEOTHER	8
#define TYPEMAX		15

#define ENC7BIT		0
#define ENC8BIT		1
#define ENCBINARY	2
#define ENCBASE64	3
#define ENCQUOTEDPRINTABLE 4
#define ENCOTHER	5
#define ENCMAX		10

#define BODY		struct mail_bodystruct
#define MESSAGE		struct mail_body_message
#define PARAMETER	struct mail_body_parameter
#define PART		struct mail_body_part
#define PARTTEXT	struct mail_body_text

PARTTEXT {
	unsigned long offset;	/* from the beginning of the message */
	SIZEDTEXT text;
};

/* Types and subtypes, encodings, and names of parameters are in upper case. */
BODY {
	unsigned short type;
	unsigned short encoding;
	char *subtype;
	PARAMETER *parameter;
	char *id;
	char *description;
	struct {
		char *type;
		PARAMETER *parameter;
	} disposition;
	STRINGLIST *language;
	char *location;
	PARTTEXT mime;		/* the part's own header, */
	PARTTEXT contents;	/* and what is behind it: place and size; the
				 * data is the program's */
	union {
		PART *part;	/* TYPEMULTIPART */
		MESSAGE *msg;	/* TYPEMESSAGE, RFC822 */
	} nested;
	struct {
		unsigned long lines;
		unsigned long bytes;
	} size;
	char *md5;
	void *sparep;		/* the program's */
};

PARAMETER {
	char *attribute;
	char *value;
	PARAMETER *next;
};

PART {
	BODY body;
	PART *next;
};

MESSAGE {
	ENVELOPE *env;
	BODY *body;
	PARTTEXT full;
	STRINGLIST *lines;
	PARTTEXT header;
	PARTTEXT text;
};

extern char *body_types[];	/* by TYPE..., TYPEMAX + 1 of them */
extern char *body_encodings[];	/* by ENC..., ENCMAX + 1 of them */

/* --- What is known of a message ------------------------------------------- */

typedef struct message_cache {
	unsigned long msgno;
	unsigned int lockcount : 8;
	unsigned long rfc822_size;
	/* When it came, as its zone's clock showed. */
	unsigned int day : 5;
	unsigned int month : 4;
	unsigned int year : 7;		/* since BASEYEAR */
	unsigned int hours : 5;
	unsigned int minutes : 6;
	unsigned int seconds : 6;
	unsigned int zoccident : 1;	/* west of Greenwich */
	unsigned int zhours : 4;
	unsigned int zminutes : 6;
	unsigned int seen : 1;
	unsigned int deleted : 1;
	unsigned int flagged : 1;
	unsigned int answered : 1;
	unsigned int draft : 1;
	unsigned int recent : 1;
	unsigned int valid : 1;
	unsigned int searched : 1;	/* mail_search_full() found it */
	unsigned int sequence : 1;	/* mail_sequence() named it */
	/* The program's. */
	unsigned int spare : 1;
	unsigned int spare2 : 1;
	unsigned int spare3 : 1;
	unsigned int spare4 : 1;
	unsigned int spare5 : 1;
	unsigned int spare6 : 1;
	unsigned int spare7 : 1;
	unsigned int spare8 : 1;
	void *sparep;
	unsigned long user_flags;	/* by the stream's user_flags[] */
} MESSAGECACHE;

/* --- A message that the program gives ------------------------------------- */

#define STRINGDRIVER	struct mail_stringdriver
typedef struct mail_string_text {
	void *data;
	unsigned long data1;
	unsigned long size;	/* of the whole */
	char *chunk;		/* the piece that is in memory */
	unsigned long chunksize;
	unsigned long offset;	/* of the piece in the whole */
	char *curpos;
	unsigned long cursize;	/* from there to the end of the piece */
	STRINGDRIVER *dtb;
} STRING;

STRINGDRIVER {
	void (*init)(STRING *, void *data, unsigned long size);
	char (*next)(STRING *);		/* this octet; on to the next piece */
	void (*setpos)(STRING *, unsigned long at);
};

extern STRINGDRIVER mail_string;	/* `data` is all of it, in memory */

#define INIT(s, d, data, size) \
	((*((s)->dtb = &(d))->init)((s), (data), (size)))
#define GETPOS(s)	((s)->offset + \
	(unsigned long)((s)->curpos - (s)->chunk))
#define SIZE(s)		((s)->size - GETPOS(s))
#define CHR(s)		(*(s)->curpos)
#define SNX(s)		(--(s)->cursize ? *(s)->curpos++ : \
	(*(s)->dtb->next)(s))
#define SETPOS(s, i)	((*(s)->dtb->setpos)((s), (i)))

/* --- What to search for --------------------------------------------------- */

#define SEARCHPGM	struct mail_searchpgm
#define SEARCHHEADER	struct mail_searchheader
#define SEARCHSET	struct mail_searchset
#define SEARCHOR	struct mail_searchor
#define SEARCHPGMLIST	struct mail_searchpgmlist

SEARCHHEADER {
	SIZEDTEXT line;		/* the field's name */
	SIZEDTEXT text;		/* empty: that there is such a field */
	SEARCHHEADER *next;
};

SEARCHSET {
	unsigned long first;	/* 0xffffffff is the last one */
	unsigned long last;	/* 0: the first alone */
	SEARCHSET *next;
};

SEARCHOR {
	SEARCHPGM *first;
	SEARCHPGM *second;
	SEARCHOR *next;
};

SEARCHPGMLIST {
	SEARCHPGM *pgm;
	SEARCHPGMLIST *next;
};

/* All that is there must be true.  Days are mail_shortdate(). */
SEARCHPGM {
	SEARCHSET *msgno;
	SEARCHSET *uid;
	SEARCHOR *or;
	SEARCHPGMLIST *not;
	SEARCHHEADER *header;
	STRINGLIST *bcc;
	STRINGLIST *body;
	STRINGLIST *cc;
	STRINGLIST *from;
	STRINGLIST *keyword;
	STRINGLIST *unkeyword;
	STRINGLIST *subject;
	STRINGLIST *text;
	STRINGLIST *to;
	unsigned long larger;
	unsigned long smaller;
	unsigned short sentbefore;
	unsigned short senton;
	unsigned short sentsince;
	unsigned short before;
	unsigned short on;
	unsigned short since;
	unsigned int answered : 1;
	unsigned int unanswered : 1;
	unsigned int deleted : 1;
	unsigned int undeleted : 1;
	unsigned int draft : 1;
	unsigned int undraft : 1;
	unsigned int flagged : 1;
	unsigned int unflagged : 1;
	unsigned int recent : 1;
	unsigned int old : 1;
	unsigned int seen : 1;
	unsigned int unseen : 1;
	STRINGLIST *return_path;
	STRINGLIST *sender;
	STRINGLIST *reply_to;
	STRINGLIST *in_reply_to;
	STRINGLIST *message_id;
	STRINGLIST *newsgroups;
	STRINGLIST *followup_to;
	STRINGLIST *references;
};

typedef struct mail_status_values {
	long flags;		/* SA_...: which of them */
	unsigned long messages;
	unsigned long recent;
	unsigned long unseen;
	unsigned long uidnext;
	unsigned long uidvalidity;
} MAILSTATUS;

typedef struct mail_overview {
	char *subject;
	ADDRESS *from;
	char *date;
	char *message_id;
	char *references;
	struct {
		unsigned long octets;
		unsigned long lines;
		char *xref;
	} optional;
} OVERVIEW;

/* --- Streams -------------------------------------------------------------- */

/* A mailbox format.  linkage.h names those that there are. */
#define DRIVER		struct mail_driver
DRIVER {
	char *name;
	unsigned long flags;
	DRIVER *next;		/* in the order of mail_link() */
};

/* An open mailbox. */
typedef struct mail_stream {
	DRIVER *dtb;
	void *local;		/* the library's */
	char *mailbox;		/* its name */
	char *original_mailbox;	/* as the program gave it */
	unsigned int inbox : 1;
	unsigned int lock : 1;
	unsigned int debug : 1;
	unsigned int silent : 1;
	unsigned int rdonly : 1;
	unsigned int anonymous : 1;
	unsigned int scache : 1;
	unsigned int halfopen : 1;
	unsigned int perm_seen : 1;	/* these can be changed */
	unsigned int perm_deleted : 1;
	unsigned int perm_flagged : 1;
	unsigned int perm_answered : 1;
	unsigned int perm_draft : 1;
	unsigned int kwd_create : 1;
	unsigned int uid_nosticky : 1;	/* UIDs are of this stream alone */
	unsigned int unhealthy : 1;	/* the mailbox was lost */
	unsigned long perm_user_flags;
	unsigned long nmsgs;
	unsigned long recent;
	unsigned long uid_validity;
	unsigned long uid_last;
	char *user_flags[NUSERFLAGS];	/* names of keywords, by bit */
	/* The program's. */
	void *sparep;
	unsigned int spare : 1;
	unsigned int spare2 : 1;
	unsigned int spare3 : 1;
	unsigned int spare4 : 1;
	unsigned int spare5 : 1;
	unsigned int spare6 : 1;
	unsigned int spare7 : 1;
	unsigned int spare8 : 1;
} MAILSTREAM;

/* For SET_GETS: what a text is for. */
typedef struct mail_gets_data {
	MAILSTREAM *stream;
	unsigned long msgno;
	char *what;		/* the section */
	STRINGLIST *stl;
	unsigned long first;
	unsigned long last;
	long flags;
} GETS_DATA;

typedef long (*readfn_t)(void *stream, unsigned long size, char *buffer);
typedef char *(*mailgets_t)(readfn_t, void *stream, unsigned long size,
    GETS_DATA *);
typedef long (*soutr_t)(void *stream, char *string);
typedef void (*overview_t)(MAILSTREAM *, unsigned long uid, OVERVIEW *,
    unsigned long msgno);
typedef long (*append_t)(MAILSTREAM *, void *data, char **flags, char **date,
    STRING **message);

/* --- The program's functions ---------------------------------------------- */

void mm_searched(MAILSTREAM *, unsigned long number);
void mm_exists(MAILSTREAM *, unsigned long number);
void mm_expunged(MAILSTREAM *, unsigned long number);
void mm_flags(MAILSTREAM *, unsigned long number);
void mm_notify(MAILSTREAM *, char *string, long errflg);
void mm_list(MAILSTREAM *, int delimiter, char *name, long attributes);
void mm_lsub(MAILSTREAM *, int delimiter, char *name, long attributes);
void mm_status(MAILSTREAM *, char *mailbox, MAILSTATUS *);
void mm_log(char *string, long errflg);
void mm_dlog(char *string);
void mm_login(NETMBX *, char *user, char *pwd, long trial);
void mm_critical(MAILSTREAM *);
void mm_nocritical(MAILSTREAM *);
long mm_diskerror(MAILSTREAM *, long errcode, long serious);
void mm_fatal(char *string);

/* --- Mailboxes ------------------------------------------------------------ */

/*
 * Make a format known, once, before all else; programs include linkage.c in
 * main().  All formats work anyhow: GET_DRIVERS has those that were linked.
 */
void mail_link(DRIVER *);

/*
 * The codes are at the head.  What GET_ answers is the library's and stays,
 * but for GET_SYSINBOX, GET_USERNAME and GET_HOMEDIR, which are this user's
 * until the next call on this thread.  SET_GETS is for all streams.
 */
void *mail_parameters(MAILSTREAM *, long function, void *value);

/*
 * The format of a mailbox that exists; NIL if there is none, or it can't be.
 * mm_log() says why if there is a `purpose`, such as "delete mailbox".
 */
DRIVER *mail_valid(MAILSTREAM *, char *mailbox, char *purpose);

/*
 * Open a mailbox; NIL, and mm_log() has said why.  A stream that is given is
 * closed first, whatever comes of it.  mm_exists() is called before this
 * returns.  A mailbox that can't be written gives a stream with `rdonly`.
 */
MAILSTREAM *mail_open(MAILSTREAM *, char *name, long options);

/* Flags are written into the mailbox, where other programs read them.  Returns
 * NIL always. */
MAILSTREAM *mail_close_full(MAILSTREAM *, long options);

/*
 * What is new, and what others did, is told: mm_expunged(), mm_exists(),
 * mm_flags().  Message numbers change in mail_ping(), mail_check() and
 * mail_expunge_full() alone.  NIL where the mailbox is lost: after
 * mm_notify(BYE) all that can be done with the stream is to close it.
 */
long mail_ping(MAILSTREAM *);
void mail_check(MAILSTREAM *);	/* flags into the mailbox, and mail_ping() */
/* Remove what is \Deleted, of `sequence` if there is one. */
long mail_expunge_full(MAILSTREAM *, char *sequence, long options);
void mail_gc(MAILSTREAM *, long gcflags);

/* T, or NIL and mm_log() has said why.  The stream may be NIL. */
long mail_create(MAILSTREAM *, char *mailbox);
long mail_delete(MAILSTREAM *, char *mailbox);
long mail_rename(MAILSTREAM *, char *old, char *newname);
long mail_subscribe(MAILSTREAM *, char *mailbox);
long mail_unsubscribe(MAILSTREAM *, char *mailbox);
/* mm_status() gets the values. */
long mail_status(MAILSTREAM *, char *mailbox, long flags);

/* mm_list() and mm_lsub() for each name that matches: "*" is anything, "%"
 * anything but the delimiter.  Names are in modified UTF-7. */
void mail_list(MAILSTREAM *, char *ref, char *pat);
void mail_lsub(MAILSTREAM *, char *ref, char *pat);

/* --- Messages ------------------------------------------------------------- */

/*
 * A message with this number; it is the stream's, and where it is until the
 * message is expunged.  NIL for a number that there is not, after mm_log().
 */
MESSAGECACHE *mail_elt(MAILSTREAM *, unsigned long msgno);

/* 0 if there is none. */
unsigned long mail_uid(MAILSTREAM *, unsigned long msgno);
unsigned long mail_msgno(MAILSTREAM *, unsigned long uid);

/*
 * Set `sequence` of the messages that "1,3:5,7:*" names, and clear it of all
 * others.  NIL for bad syntax, or a message number that there is not; UIDs that
 * there are not are passed over.
 */
long mail_sequence(MAILSTREAM *, unsigned char *sequence);
long mail_uid_sequence(MAILSTREAM *, unsigned char *sequence);

/* Read what all messages of a sequence have: nothing is to be done for it. */
void mail_fetch_fast(MAILSTREAM *, char *sequence, long flags);
void mail_fetch_flags(MAILSTREAM *, char *sequence, long flags);

/* For each message of the sequence, of UIDs or of numbers; what the function
 * gets is valid while it runs. */
void mail_fetch_overview(MAILSTREAM *, char *sequence, overview_t);
void mail_fetch_overview_sequence(MAILSTREAM *, char *sequence, overview_t);

/*
 * Envelope, and the structure if there is `body`.  Both are the stream's until
 * mail_gc(GC_ENV), or the message is expunged, or, with OP_SHORTCACHE, until
 * the next call.  NIL for a message that there is not, or can't be read.
 */
ENVELOPE *mail_fetch_structure(MAILSTREAM *, unsigned long msgno, BODY **body,
    long flags);

/*
 * Texts.  Each is the stream's until the next call of the same function with
 * it, or mail_gc(GC_TEXTS); a program may write on it.  "" and a length of 0
 * for what there is not.  `section` is "" or NIL for the message itself, else
 * the number of a part, "2.1".  `len` may be NIL.
 *
 * A header, of the message or of the message in a part; with `lines` only those
 * fields of it, or all but those with FT_NOT.
 */
char *mail_fetch_header(MAILSTREAM *, unsigned long msgno, char *section,
    STRINGLIST *lines, unsigned long *len, long flags);
/* What is behind that header. */
char *mail_fetch_text(MAILSTREAM *, unsigned long msgno, char *section,
    unsigned long *len, long flags);
/* All of it: header and text. */
char *mail_fetch_message(MAILSTREAM *, unsigned long msgno,
    unsigned long *len, long flags);
/* A part's own header. */
char *mail_fetch_mime(MAILSTREAM *, unsigned long msgno, char *section,
    unsigned long *len, long flags);
/* A part's body as it is, encoded; the message for "", its header for "0". */
char *mail_fetch_body(MAILSTREAM *, unsigned long msgno, char *section,
    unsigned long *len, long flags);

/* The part in the structure; NIL if there is none. */
BODY *mail_body(MAILSTREAM *, unsigned long msgno, unsigned char *section);

/* Who it is from, with blanks to `length`, and what it is about, cut there;
 * `s` has room for one more. */
void mail_fetchfrom(char *s, MAILSTREAM *, unsigned long msgno, long length);
void mail_fetchsubject(char *s, MAILSTREAM *, unsigned long msgno,
    long length);

/* Set or clear flags and keywords, "\\Seen work"; mm_flags() for each message
 * that it changes. */
void mail_flag(MAILSTREAM *, char *sequence, char *flag, long flags);

/* Both: all messages or none.  mm_notify() with [TRYCREATE] where there is no
 * such mailbox. */
long mail_copy_full(MAILSTREAM *, char *sequence, char *mailbox,
    long options);
long mail_append_full(MAILSTREAM *, char *mailbox, char *flags, char *date,
    STRING *message);
/* The same for as many as the function gives; a message of NIL ends it, NIL
 * gives it up. */
long mail_append_multiple(MAILSTREAM *, char *mailbox, append_t, void *data);

/* --- Searching ------------------------------------------------------------ */

/* "SINCE 1-Feb-2024 FROM \"joe\" UNSEEN": a program, or NIL after mm_log(). */
SEARCHPGM *mail_criteria(char *criteria);

/*
 * mm_searched() for each message that is found, in ascending order.  Without
 * `charset`, texts are UTF-8.  NIL where it can't be done.
 */
long mail_search_full(MAILSTREAM *, char *charset, SEARCHPGM *, long flags);

/* --- Dates ---------------------------------------------------------------- */

/* " 2-Jan-2024 10:00:00 +0000", "Tue Jan  2 10:00:00 2024 +0000\n": written to
 * `string`, which has room for 64, and returned. */
char *mail_date(char *string, MESSAGECACHE *);
char *mail_cdate(char *string, MESSAGECACHE *);
unsigned long mail_longdate(MESSAGECACHE *);	/* seconds since 1970 */
/* A date of a header, or one of mail_date(): T, or NIL if it is none. */
long mail_parse_date(MESSAGECACHE *, unsigned char *string);
unsigned short mail_shortdate(unsigned int year, unsigned int month,
    unsigned int day);		/* the year since BASEYEAR */

/* --- Making and freeing --------------------------------------------------- */

/* What mail_new...() makes is empty and the caller's.  mail_free_...() frees
 * all that hangs on it, takes NIL inside, and leaves NIL. */
ENVELOPE *mail_newenvelope(void);
ADDRESS *mail_newaddr(void);
BODY *mail_newbody(void);
BODY *mail_initbody(BODY *);	/* make this one empty */
PARAMETER *mail_newbody_parameter(void);
PART *mail_newbody_part(void);
MESSAGE *mail_newmsg(void);
STRINGLIST *mail_newstringlist(void);
SEARCHPGM *mail_newsearchpgm(void);
SEARCHHEADER *mail_newsearchheader(char *line, char *text);	/* copied */
SEARCHSET *mail_newsearchset(void);
SEARCHOR *mail_newsearchor(void);	/* with two empty programs */
SEARCHPGMLIST *mail_newsearchpgmlist(void);	/* with an empty one */
void mail_free_envelope(ENVELOPE **);
void mail_free_address(ADDRESS **);
void mail_free_body(BODY **);
void mail_free_body_data(BODY *);	/* all that hangs on it */
void mail_free_body_parameter(PARAMETER **);
void mail_free_body_part(PART **);
void mail_free_stringlist(STRINGLIST **);
void mail_free_searchpgm(SEARCHPGM **);
void mail_free_searchheader(SEARCHHEADER **);
void mail_free_searchset(SEARCHSET **);
void mail_free_searchor(SEARCHOR **);
void mail_free_searchpgmlist(SEARCHPGMLIST **);

/* Where there is no memory mm_fatal() is called, and the process aborted. */
void *fs_get(size_t size);
void fs_resize(void **block, size_t size);
void fs_give(void **block);	/* leaves NIL */

/* A copy for fs_give(); NIL of NIL.  cpytxt() frees what `dst` had. */
char *cpystr(const char *string);
char *cpytxt(SIZEDTEXT *dst, char *text, unsigned long size);

/* The number of the lowest bit that is set, which is cleared; 0xffffffff if
 * none is. */
unsigned long find_rightmost_bit(unsigned long *value);

/* --- Older names ---------------------------------------------------------- */

#define mail_close(stream)	mail_close_full((stream), NIL)
#define mail_expunge(stream)	mail_expunge_full((stream), NIL, NIL)
#define mail_fetchfast(stream, sequence) \
	mail_fetch_fast((stream), (sequence), NIL)
#define mail_fetchfast_full	mail_fetch_fast
#define mail_fetchflags(stream, sequence) \
	mail_fetch_flags((stream), (sequence), NIL)
#define mail_fetchflags_full	mail_fetch_flags
#define mail_fetchenvelope(stream, msgno) \
	mail_fetch_structure((stream), (msgno), NIL, NIL)
#define mail_fetchstructure(stream, msgno, body) \
	mail_fetch_structure((stream), (msgno), (body), NIL)
#define mail_fetchstructure_full	mail_fetch_structure
#define mail_fetchheader(stream, msgno) \
	mail_fetch_header((stream), (msgno), NIL, NIL, NIL, FT_PEEK)
#define mail_fetchheader_full(stream, msgno, lines, len, flags) \
	mail_fetch_header((stream), (msgno), NIL, (lines), (len), \
	FT_PEEK | (flags))
#define mail_fetchtext(stream, msgno) \
	mail_fetch_text((stream), (msgno), NIL, NIL, NIL)
#define mail_fetchtext_full(stream, msgno, length, flags) \
	mail_fetch_text((stream), (msgno), NIL, (length), (flags))
#define mail_fetchbody(stream, msgno, section, length) \
	mail_fetch_body((stream), (msgno), (section), (length), NIL)
#define mail_fetchbody_full	mail_fetch_body
#define mail_setflag(stream, sequence, flag) \
	mail_flag((stream), (sequence), (flag), ST_SET)
#define mail_setflag_full(stream, sequence, flag, flags) \
	mail_flag((stream), (sequence), (flag), ST_SET | (flags))
#define mail_clearflag(stream, sequence, flag) \
	mail_flag((stream), (sequence), (flag), NIL)
#define mail_clearflag_full	mail_flag
#define mail_search(stream, criteria) \
	mail_search_full((stream), NIL, mail_criteria(criteria), SE_FREE)
#define mail_copy(stream, sequence, mailbox) \
	mail_copy_full((stream), (sequence), (mailbox), NIL)
#define mail_move(stream, sequence, mailbox) \
	mail_copy_full((stream), (sequence), (mailbox), CP_MOVE)
#define mail_append(stream, mailbox, message) \
	mail_append_full((stream), (mailbox), NIL, NIL, (message))

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#include "linkage.h"

#endif
