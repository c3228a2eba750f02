#!/bin/sh
# Prepares a target for Curfew: its sshd comes to trust the certificates that Curfew makes, one for each session.
#
#   curfew ca --config curfew.toml      # on the bastion: prints the key, `ssh-ed25519 AAAA… curfew user CA`
#   prepare-target.sh --key 'ssh-ed25519 AAAA…'            # on the target, as root: as often as you like
#   prepare-target.sh --key 'ssh-ed25519 AAAA…' --check    # changes nothing; 0 when all is there, 1 when not
#
# With --sshd-config FILE another configuration than /etc/ssh/sshd_config; with --no-reload sshd is left alone.
set -eu

config=/etc/ssh/sshd_config key='' check=false reload=true

fail() { echo "prepare-target: $*" >&2; exit 2; }

while [ $# -gt 0 ]; do
  case $1 in
    --key) [ $# -gt 1 ] || fail "--key takes the user CA's public key, as \`curfew ca\` prints it"; key=$2; shift 2 ;;
    --sshd-config) [ $# -gt 1 ] || fail "--sshd-config takes a file"; config=$2; shift 2 ;;
    --check) check=true; shift ;;
    --no-reload) reload=false; shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) fail "$1 is not an option; --help says which there are" ;;
  esac
done

PATH=$PATH:/usr/sbin:/sbin
command -v sshd >/dev/null || fail "there is no sshd; install openssh-server first"
sshd=$(command -v sshd)
[ -n "$key" ] || fail "say whom to trust: --key 'ssh-ed25519 AAAA…', as \`curfew ca\` prints it"
echo "$key" | ssh-keygen -lf - >/dev/null 2>&1 || fail "--key is not a public key; \`curfew ca\` prints the right one"
[ -r "$config" ] || fail "$config cannot be read; are you root?"
folder=$(dirname "$config")
# The type and the key; the comment may differ.
wanted=$(echo "$key" | awk '{ print $1, $2 }')

setting() { "$sshd" -T -f "$config" 2>/dev/null | awk -v name="$1" '$1 == name { print $2; exit }'; }
trusts() { [ -r "$1" ] && awk '{ print $1, $2 }' "$1" | grep -qxF "$wanted"; }

"$sshd" -t -f "$config" || fail "sshd finds fault with $config as it is; put that right first"
file=$(setting trustedusercakeys)
missing=false
if [ "$file" = none ] || [ -z "$file" ]; then
  missing=true
  $check && echo "missing: sshd trusts no user CA (TrustedUserCAKeys)"
elif ! trusts "$file"; then
  missing=true
  $check && echo "missing: $file, which sshd trusts, does not have this key"
fi

if $missing && ! $check; then
  if [ "$file" = none ] || [ -z "$file" ]; then
    file=$folder/curfew_ca.pub
    line="TrustedUserCAKeys $file"
    # The first value counts, so it goes to the front: into a file of its own where there is a folder for such.
    if [ -d "$folder/sshd_config.d" ] && grep -Eiq '^[[:space:]]*Include[[:space:]].*sshd_config\.d/\*\.conf' "$config"; then
      place=$folder/sshd_config.d/curfew.conf
      kept=''
    else
      place=$config
      kept=$(mktemp "$config.XXXXXX")
      cat "$config" >"$kept"
    fi
    (umask 022 && touch "$file")
    printf '%s\n' "$key" >>"$file"
    if [ -n "$kept" ]; then { echo "$line"; cat "$kept"; } >"$place"; else (umask 022 && echo "$line" >"$place"); fi
    if ! "$sshd" -t -f "$config"; then
      if [ -n "$kept" ]; then cat "$kept" >"$place"; else rm -f "$place"; fi
      rm -f "$kept"
      fail "sshd finds fault with the new configuration; all is as it was"
    fi
    rm -f "$kept"
  else
    # Somebody's file: whom it trusts already is trusted further on. It may end without a line feed.
    [ -z "$(tail -c 1 "$file")" ] || echo >>"$file"
    printf '%s\n' "$key" >>"$file"
  fi
  echo "changed: sshd trusts Curfew's user CA ($file)"
  if $reload; then
    if command -v systemctl >/dev/null && systemctl reload ssh 2>/dev/null; then :
    elif command -v systemctl >/dev/null && systemctl reload sshd 2>/dev/null; then :
    elif command -v service >/dev/null && service ssh reload >/dev/null 2>&1; then :
    else echo "now have sshd read its configuration again"
    fi
  fi
fi

# What else would keep Curfew out.
wrong=false
complain() { wrong=true; echo "wrong: $*"; }
[ "$(setting pubkeyauthentication)" = yes ] || complain "PubkeyAuthentication is off; certificates need it"
case ",$(setting casignaturealgorithms)," in
  *,ssh-ed25519,*) ;;
  *) complain "CASignatureAlgorithms does not have ssh-ed25519" ;;
esac
trusted=$(setting trustedusercakeys)
{ $check && $missing; } || trusts "$trusted" || complain "TrustedUserCAKeys names $trusted, which does not have the key"

host_key=$(setting hostkey)
[ -r "$host_key.pub" ] && echo "in curfew.toml: host_key = \"$(awk '{ print $1, $2 }' "$host_key.pub")\""

if $wrong || { $check && $missing; }; then exit 1; fi
echo "ready: Curfew may come in as any login of this host, where one of its grants says so"
