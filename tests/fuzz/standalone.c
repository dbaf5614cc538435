/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz harness over files, without a fuzzer: the corpora are replayed
 * by every compiler and sanitizer.  Prints TAP; a crash ends it before the
 * plan.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;
	int bad;

	if (f == NULL)
		return 1;
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	/* Of just this size: reading behind its end is found out. */
	data = malloc(size > 0 ? (size_t)size : 1);
	bad = data == NULL || size < 0 ||
	    fread(data, 1, (size_t)size, f) != (size_t)size;
	fclose(f);
	if (!bad)
		LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return bad;
}

int
main(int argc, char **argv)
{
	struct dirent **names;
	int n = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1;
	int count = 0;

	if (n < 0) {
		fprintf(stderr, "usage: %s directory\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];
		struct stat st;

		snprintf(path, sizeof path, "%s/%s", argv[1],
		    names[i]->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			printf("%sok %d - %s\n", run_file(path) ? "not " : "",
			    ++count, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	printf("1..%d\n", count);
	return count == 0;
}
