# mail servers: imapd and ipop3d over libc-client.  GNU make.
CC = gcc
SAN =
CFLAGS = -O2 -g
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Walloca -Wundef -Wpointer-arith -Wwrite-strings
HARDEN = -fstack-protector-strong -fPIE
BUILD = build/$(notdir $(CC))-$(or $(subst $() ,_,$(SAN)),plain)
CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I.
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARN) $(HARDEN) -fvisibility=hidden $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -DSANITIZED)
LIBS = -lssl -lcrypto -lpam -lcrypt -lsqlite3 -llockfile -lxxhash -lutf8proc -lseccomp

LIBSRC = $(wildcard c-client/*/*.c ssl/*.c)
LIBOBJ = $(LIBSRC:%.c=$(BUILD)/%.o)

all: $(LIBOBJ)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(LIBOBJ:.o=.d)
