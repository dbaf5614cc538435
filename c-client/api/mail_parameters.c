/* SPDX-License-Identifier: Apache-2.0 */
/* mail_parameters(): few of the many hundred codes mean anything here. */
#include "c-client/api/mail_parameters.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "c-client/api/local.h"
#include "c-client/api/mail_link.h"
#include "c-client/api/user.h"

#include "c-client/base/banned.h"

static mailgets_t gets_function;

mailgets_t
mail_parameters_gets(void)
{
	return gets_function;
}

/* A pointer to a function in a pointer to an object, as POSIX lets it be. */
_Static_assert(sizeof(mailgets_t) == sizeof(void *), "they go into each other");

static void *
gets_parameter(long function, void *value)
{
	if (function == SET_GETS)
		memcpy(&gets_function, &value, sizeof value);
	memcpy(&value, &gets_function, sizeof value);
	return value;
}

static void *
user_parameter(MAILSTREAM *stream, long function)
{
	static _Thread_local char text[MAILTMPLEN];
	struct user *u = local_enter(stream);

	if (u == NULL)
		return NULL;
	snprintf(text, sizeof text, "%s", function == GET_USERNAME ?
	    u->account.user : function == GET_HOMEDIR ? u->account.home :
	    u->account.spool);
	local_leave(stream, u);
	return text;
}

static void *
host_parameter(void)
{
	static _Thread_local char name[NETMAXHOST];

	if (gethostname(name, sizeof name - 1) == -1)
		return NULL;
	return name;
}

void *
mail_parameters(MAILSTREAM *stream, long function, void *value)
{
	switch (function) {
	case GET_DRIVERS:
		return mail_link_first();
	case GET_GETS:
	case SET_GETS:
		return gets_parameter(function, value);
	case GET_USERNAME:
	case GET_HOMEDIR:
	case GET_SYSINBOX:
		return user_parameter(stream, function);
	case GET_LOCALHOST:
		return host_parameter();
	default:
		return NULL;
	}
}
