// SPDX-License-Identifier: Apache-2.0
// C++ with -fno-operator-names, as programs had to be built for libc-client.
#include "c-client.h"

long
use(MAILSTREAM *stream)
{
	SEARCHPGM *pgm = mail_newsearchpgm();

	pgm->or = mail_newsearchor();
	pgm->not = mail_newsearchpgmlist();
	mail_link(&unixdriver);
	return mail_search_full(stream, NIL, pgm, SE_FREE);
}
