/* SPDX-License-Identifier: Apache-2.0 */
/* Faults: an error code and a text for the log. */
#include "c-client/base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "c-client/base/banned.h"

static enum fault_code
code_of_errno(int e)
{
	switch (e) {
	case ENOENT:
		return FAULT_NOTFOUND;
	case EEXIST:
	case ENOTEMPTY:
		return FAULT_EXISTS;
	case EACCES:
	case EPERM:
		return FAULT_PERM;
	case EROFS:
		return FAULT_READONLY;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return FAULT_QUOTA;
	case ENAMETOOLONG:
	case ENOTDIR:
	case ELOOP:
	case EISDIR:
		return FAULT_BADNAME;
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return FAULT_UNAVAILABLE;
	case EPIPE:
	case ECONNRESET:
		return FAULT_CLOSED;
	case ETIMEDOUT:
		return FAULT_TIMEOUT;
	default:
		return FAULT_IO;
	}
}

int
fault_set(struct fault *why, enum fault_code code, const char *format, ...)
{
	va_list ap;

	if (why == NULL)
		return -1;
	why->code = code;
	va_start(ap, format);
	vsnprintf(why->text, sizeof why->text, format, ap);
	va_end(ap);
	return -1;
}

int
fault_errno(struct fault *why, const char *format, ...)
{
	int e = errno;
	size_t n;
	va_list ap;

	if (why == NULL)
		return -1;
	why->code = code_of_errno(e);
	va_start(ap, format);
	vsnprintf(why->text, sizeof why->text, format, ap);
	va_end(ap);
	n = strlen(why->text);
	snprintf(why->text + n, sizeof why->text - n, ": %s", strerror(e));
	errno = e;
	return -1;
}
