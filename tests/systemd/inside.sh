#!/bin/bash
# Runs in the container that tests/systemd/run boots. Writes one line per check to /result/checks: "ok NAME" or
# "FAIL NAME: what was seen".
set -uo pipefail
mkdir -p /result
exec >/result/checks 2>/result/errors
: >/result/started
unit=mailmoor.service
config=/etc/mailmoor/mailmoor.yaml
key=/etc/mailmoor/mailmoor.key

# check NAME COMMAND...: the command succeeds; what it prints is shown when it does not.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then echo "ok   $name"; else echo "FAIL $name: ${output:-$* failed}"; fi
}
# within SECONDS COMMAND...: polls until the command succeeds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    read -r -t 0.1 <> <(:) || true
  done
}
property() { systemctl show -P "$1" $unit; }
is() { # is PROPERTY VALUE
  local value
  value=$(property "$1")
  [[ $value == "$2" ]] || { echo "$1 is \"$value\", not \"$2\""; return 1; }
}
all() { # all of several checks, each "COMMAND ARGUMENT..." in one word
  local one
  for one in "$@"; do eval "$one" || { echo "($one)"; return 1; }; done
}
journal() { journalctl -q --no-pager -b -u $unit "$@"; }
# The manager logs each notification that it takes, once its log level is debug.
notified() { journalctl -q --no-pager -b _PID=1 -o cat --since "@$mark" | grep -E "$unit: Got notification message .*$1" || { echo "no $1 from $unit"; return 1; }; }
set_mark() { mark=$(date +%s.%N); }
has() { grep -qE -- "$1" <<<"$2" || { echo "no /$1/ in: ${2:0:600}"; return 1; }; }
has_not() { ! grep -qE -- "$1" <<<"$2" || { echo "/$1/ in: ${2:0:600}"; return 1; }; }
restart() { systemctl reset-failed $unit; systemctl restart $unit; }

head -c 32 /dev/urandom | base64 >$key
echo 'correct horse battery staple' >/etc/mailmoor/alice
chmod 600 $key /etc/mailmoor/alice
systemd-sysusers
systemd-tmpfiles --create mailmoor.conf
useradd --system --no-create-home stranger
useradd --system --no-create-home --groups mailmoor friend
journalctl --update-catalog
systemctl enable $unit # also keeps what is known of it after it stopped
systemctl log-level debug
set_mark

# --- start
check "start: active, and READY came from the daemon" all 'systemctl start '$unit 'is ActiveState active' 'notified READY=1'
check "start: STATUS says something" all 'has "[a-z]" "$(property StatusText)"'
pid=$(property MainPID)
status=$(cat /proc/"$pid"/status)
check "sandbox: user mailmoor, no capability, no new privileges, seccomp" all \
  'has "^Uid:\s+$(id -u mailmoor)\s+$(id -u mailmoor)\s" "$status"' 'has "^CapEff:\s+0+$" "$status"' \
  'has "^CapBnd:\s+0+$" "$status"' 'has "^NoNewPrivs:\s+1$" "$status"' 'has "^Seccomp:\s+2$" "$status"'
check "sandbox: no core dumps" all 'has "Max core file size +0 +0 " "$(cat /proc/$pid/limits)"'
locked() { (($(awk '/^VmLck:/ { print $2 }' /proc/"$pid"/status) > 0)) || { echo "VmLck is 0"; return 1; }; }
check "sandbox: secrets are locked in memory, and none could not be" all locked '! journal -o cat | grep "are not locked"' \
  'is LimitMEMLOCK 134217728'
check "exposure: systemd-analyze security says 1.2 or less" systemd-analyze security --no-pager --threshold=12 $unit
check "files: state is the daemon's alone" all '[[ -s /var/lib/mailmoor/tokens.db ]]' \
  '[[ -z $(find -H /var/lib/mailmoor -perm /077 -o ! -user mailmoor) ]] || { find -H /var/lib/mailmoor -ls; false; }'

# --- control socket
check "control: root and the group may, others may not" all \
  'has "\"alice\"" "$(mailmoorctl --json status)"' 'has "alice" "$(runuser -u friend -- mailmoorctl status)"' \
  '! runuser -u stranger -- mailmoorctl status'

# --- journal
event() { journal -o json MAILMOOR_MAILBOX=alice | grep MAILMOOR_EVENT; }
check "journal: an unreachable server is an event with its fields" all 'within 10 event >/dev/null' \
  'has "\"MAILMOOR_ERROR\":\"[a-z0-9_]+\"" "$(event)"' 'has "\"PRIORITY\":\"[0-7]\"" "$(event)"' \
  'has "\"_SYSTEMD_UNIT\":\"'$unit'\"" "$(event)"' 'has "\"MESSAGE_ID\":\"[0-9a-f]{32}\"" "$(event)"'
# Without the filter the manager's own entries would do: "░░ A start job for unit mailmoor.service has finished".
explained=$(journal -x MAILMOOR_MAILBOX=alice)
check "journal: -x explains it out of the catalog" all 'has "░░ Subject: " "$explained"' 'has "░░ .*mailmoorctl" "$explained"'
check "journal: no secret" all 'has_not "correct horse|$(cat $key)" "$(journalctl -q --no-pager -b -o export -a)"'

# --- reload
set_mark
printf '  - {name: bob, host: 127.0.0.1, port: 9, user: bob, password: {credential: alice}}\n' >>$config
bob_is_there() { mailmoorctl --json status | grep -q '"bob"'; }
check "reload: RELOADING and READY, same process, new mailbox" all 'systemctl reload '$unit 'within 5 bob_is_there' \
  'within 5 notified RELOADING=1' 'within 5 notified READY=1' 'is MainPID '"$pid" 'is ActiveState active'
cp $config $config.good
echo 'mailboxen: []' >>$config
set_mark
complaint() { journal -p err --since "@$mark" -o cat | grep -q 'mailmoor.yaml:[0-9]*:[0-9]*:'; }
check "reload: a wrong configuration is refused and the old one stays" all 'systemctl reload '$unit 'within 5 complaint' \
  'within 5 notified READY=1' 'is MainPID '"$pid" 'is ActiveState active' 'bob_is_there'

# --- stop
set_mark
began=$(date +%s%N)
check "stop: STOPPING, exit 0" all 'systemctl stop '$unit 'notified STOPPING=1' 'is Result success' 'is ExecMainCode 1' 'is ExecMainStatus 0'
took=$((($(date +%s%N) - began) / 1000000))
check "stop: within 10 s (took $took ms)" all '((took < 10000))'

# --- wrong configuration, wrong key
refused() { # refused TEXT: the start fails with exit 2, says why, and is not tried again
  ! restart && is ExecMainStatus 2 && is ActiveState failed && is NRestarts 0 &&
    has "$1" "$(journal --since "@$mark" -o cat -p err)"
}
set_mark
check "configuration: a wrong one is refused with file:line:column and exit 2, once" refused 'mailmoor.yaml:[0-9]+:[0-9]+: .*mailboxen'
cp $config.good $config
databases() { sha256sum /var/lib/mailmoor/*.db; }
before=$(databases)
cp $key $key.good
head -c 32 /dev/urandom | base64 >$key
set_mark
check "key: a wrong one is refused, clearly" refused '[Kk]ey'
check "key: the databases are untouched" all '[[ $(databases) == "$before" ]]'
cp $key.good $key
check "key: the right one opens them again" all restart 'is ActiveState active'

# --- courier
courier() { pgrep -P "$(property MainPID)" -f -- --courier; }
check "courier: the sandbox lets it start, and it takes over what the journal holds" all \
  'systemctl stop '$unit 'echo junk >/var/lib/mailmoor/courier.journal' 'chown mailmoor: /var/lib/mailmoor/courier.journal' \
  restart 'within 10 courier' '[[ ! -s /var/lib/mailmoor/courier.journal ]]' 'bob_is_there'
status=$(cat /proc/"$(courier)"/status)
check "courier: no capability, seccomp, no core dumps, not the daemon's to debug" all \
  'has "^CapEff:\s+0+$" "$status"' 'has "^Seccomp:\s+2$" "$status"' '[[ $(stat -c %U /proc/$(courier)/environ) == root ]]' \
  'has "Max core file size +0 +0 " "$(cat /proc/$(courier)/limits)"'
check "courier: a killed one is replaced" all 'old=$(courier)' 'kill -KILL $old' 'within 10 courier' '[[ $(courier) != $old ]]'
# --- a rotation of a plain credential, and of an encrypted one
with_key() { # with_key LINE...: the unit takes its key from these lines
  printf '%s\n' '[Service]' 'LoadCredential=' 'LoadCredentialEncrypted=' 'LoadCredential=alice:/etc/mailmoor/alice' "$@" \
    >/etc/systemd/system/mailmoor.service.d/zz-key.conf
  systemctl daemon-reload
}
with_key LoadCredential=mailmoor.key:$key
check "rotation: a credential without a successor is refused with the step to take" all restart \
  'has "credential mailmoor.key.new" "$(mailmoorctl key rotate 2>&1)"'
head -c 32 /dev/urandom | base64 >$key.new
chmod 600 $key.new
check "rotation: a credential is changed while the daemon runs" all \
  'mailmoorctl key rotate --from '$key.new 'bob_is_there' 'is NRestarts 0'
set_mark
check "rotation: the old credential alone opens no more" refused 'another key than the one from credential mailmoor.key'
with_key LoadCredential=mailmoor.key:$key LoadCredential=mailmoor.key.new:$key.new
check "rotation: between the two steps a start takes the one that opens" all restart 'is ActiveState active' 'bob_is_there'
mv $key.new $key
with_key LoadCredential=mailmoor.key:$key
check "rotation: with the new credential in its place it is over" all restart 'is ActiveState active' 'bob_is_there'
if systemd-creds encrypt --with-key=host --name=mailmoor.key $key $key.cred; then
  head -c 32 /dev/urandom | base64 | systemd-creds encrypt --with-key=host --name=mailmoor.key.new - $key.new.cred
  with_key LoadCredentialEncrypted=mailmoor.key:$key.cred LoadCredentialEncrypted=mailmoor.key.new:$key.new.cred
  check "encrypted credential: opens what the plain one sealed" all restart 'is ActiveState active' 'bob_is_there'
  check "encrypted credential: its successor is taken" all 'mailmoorctl key rotate' restart 'is ActiveState active'
  systemd-creds decrypt --name=mailmoor.key.new $key.new.cred - >$key
  systemd-creds encrypt --with-key=host --name=mailmoor.key $key $key.cred
  with_key LoadCredentialEncrypted=mailmoor.key:$key.cred
  check "encrypted credential: the successor in its place opens alone" all restart 'is ActiveState active' 'bob_is_there'
else
  echo "SKIP encrypted credential: systemd-creds does not encrypt here, see errors"
fi
rm /etc/systemd/system/mailmoor.service.d/zz-key.conf
systemctl daemon-reload

# --- watchdog
restarted() { (($(property NRestarts) == 1)) && [[ $(property ActiveState) == active ]]; }
set_mark
check "watchdog: fed while all is well" all 'within 6 notified WATCHDOG=1' 'is NRestarts 0'
kill -USR2 "$(property MainPID)"
check "watchdog: a blocked loop is killed and started again" all 'within 20 restarted' \
  'has "Watchdog timeout" "$(journal -o cat --since "@$mark")"' 'bob_is_there'

# --- socket activation
systemctl stop $unit
cp /usr/lib/mailmoor-socket.conf /etc/systemd/system/mailmoor.service.d/socket.conf
systemctl daemon-reload
check "socket: systemd listens, the daemon takes over, and the socket outlives a restart" all \
  'systemctl start mailmoor.socket' 'restart' 'bob_is_there' 'restart' 'bob_is_there' \
  'runuser -u friend -- mailmoorctl status' '! runuser -u stranger -- mailmoorctl status' \
  'systemctl stop '$unit '[[ -S /run/mailmoor/control.sock ]]'
systemctl stop mailmoor.socket
rm -r /etc/systemd/system/mailmoor.service.d/socket.conf /run/mailmoor

# --- without a static user and without a key in a credential
userdel friend; userdel stranger; userdel mailmoor; groupdel mailmoor
rm -rf /var/lib/private/mailmoor /var/lib/mailmoor /var/mail/mailmoor
printf '[Service]\nLoadCredential=\nLoadCredential=mailmoor.key\nLoadCredential=alice:/etc/mailmoor/alice\n' \
  >/etc/systemd/system/mailmoor.service.d/zz-nokey.conf
sed -i -e '/^key:/d' -e 's,^maildir_root:.*,maildir_root: /var/lib/mailmoor/mail,' $config
systemctl daemon-reload
check "dynamic user: starts with a key that it makes" all restart 'is ActiveState active' \
  '[[ $(stat -c %a /var/lib/mailmoor/master.key) == 600 ]]' 'bob_is_there'
systemctl stop $unit
check "dynamic user: the next start opens what the first one made" all restart 'is ActiveState active' 'bob_is_there'
systemctl stop $unit

journalctl -q --no-pager -b -u $unit -o short-precise >/result/journal
: >/result/done
