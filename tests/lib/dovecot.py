# SPDX-License-Identifier: Apache-2.0
"""Debian's Dovecot with a private configuration: the server that the
benchmark compares with, and one to try client scripts on."""

import grp
import os
import pwd
import shutil

CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{pem}
ssl_key = <{pem}
ssl_min_protocol = TLSv1.2
ssl_dh =
disable_plaintext_auth = no
mail_location = {inbox}
mail_privileged_group = {group}
mail_access_groups =
first_valid_uid = 1
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {internal_group}
mbox_write_locks = fcntl
pop3_uidl_format = %08Xv%08Xu
mail_fsync = optimized
default_process_limit = 300
namespace inbox {{
  inbox = yes
  separator = /
}}
{auth}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
  chroot = {login_chroot}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
  chroot = {login_chroot}
}}
service anvil {{
  chroot = {empty}
}}
service stats {{
  chroot = {empty}
}}
"""

PAM = """
passdb {{
  driver = pam
  args = {pam}
}}
userdb {{
  driver = passwd
}}
"""

STATIC = """
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
"""


def command(where, ports, pem, inbox, pam=None, password=None, uid=None,
        gid=None, home=None):
    """Writes the configuration into the new directory `where`; returns the
    command that runs Dovecot in the foreground.  As root the usual users
    are its processes'; else all are the caller's."""
    os.makedirs(where + "/run", exist_ok=True)
    os.makedirs(where + "/state", exist_ok=True)
    root = os.geteuid() == 0
    me = pwd.getpwuid(os.geteuid()).pw_name
    mine = grp.getgrgid(os.getegid()).gr_name
    if pam:
        auth = PAM.format(pam=pam)
    else:
        auth = STATIC.format(password=password, uid=uid, gid=gid, home=home)
    text = CONF.format(dir=where, pem=pem, inbox=inbox, auth=auth,
        internal="dovecot" if root else me, login="dovenull" if root else me,
        internal_group="dovecot" if root else mine,
        group="mail" if root and pam else "",
        login_chroot="login" if root else "",
        empty="empty" if root else "", **ports)
    with open(where + "/dovecot.conf", "w") as f:
        f.write(text)
    return [shutil.which("dovecot") or "/usr/sbin/dovecot", "-F", "-c",
        where + "/dovecot.conf"]
