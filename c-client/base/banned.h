/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that this tree doesn't use.  Included last in each .c file: a
 * poisoned name in front of a system header would break that header.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison gets gmtime localtime ctime asctime tmpnam mktemp

#endif
