//! The target's processes go with the session.
//!
//! When a connection closes, sshd hangs up its terminals and forgets the rest: `sleep 1000` without a pty, or anything
//! that ignores SIGHUP, would live on. So before the connection closes the gateway asks it, by one more exec, to end
//! what runs under it.

use std::time::Duration;

use crate::ssh::target::client::Link;

/// How long the clean-up may take in all.
const CLEAN_UP_TIME: Duration = Duration::from_millis(1500);

/// All processes that are children of the same sshd as this very command, and whatever shares a session with them or
/// descends from them, get SIGHUP, a fifth of a second to save their work, and SIGKILL. `/proc` is read rather than `ps`
/// run: it is there without procps. The text has no single quote, so any login shell can hand it to `/bin/sh`.
///
/// It runs as the person's login, which may be root, so it must never take more than that:
/// - when the connection's sshd is gone, the parent is process 1 or a subreaper, whose children are everybody's. So the
///   parent must be an SSH server, and not process 1, or nothing is killed;
/// - a process id may be another's by the time of the second signal. So a process is known by its start time too
///   (field 22 of proc_pid_stat(5)).
const SCRIPT: &str = r#"exec /bin/sh -c '
exec 2>/dev/null
me=$$ boss=$PPID
served() {
  [ "$boss" -gt 1 ] && read -r name <"/proc/$boss/comm" || return 1
  case $name in sshd*|dropbear*|curfew*) return 0 ;; esac
  return 1
}
find_all() {
  all=" " stamps=""
  while served; do
    before=$all
    for f in /proc/[0-9]*/stat; do
      read -r line <"$f" || continue
      pid=${f#/proc/}; pid=${pid%/stat}
      set -- ${line##*) }
      [ "$pid" = "$me" ] && continue
      [ "$4" = "$me" ] && continue
      case $all in *" $pid "*) continue ;; esac
      if [ "$2" != "$boss" ]; then
        case $all in *" $2 "*|*" $4 "*) ;; *) continue ;; esac
      fi
      all="$all$pid " stamps="$stamps $pid:${20}"
    done
    [ "$all" = "$before" ] && break
  done
}
signal_all() {
  how=$1
  for stamp in $2; do
    read -r line <"/proc/${stamp%:*}/stat" || continue
    set -- ${line##*) }
    [ "${20}" = "${stamp#*:}" ] && kill "$how" "${stamp%:*}"
  done
}
find_all
[ -n "$stamps" ] || exit 0
signal_all -HUP "$stamps"
signal_all -CONT "$stamps"
sleep 0.2
first=$stamps
find_all
signal_all -KILL "$first $stamps"
'"#;

/// Ends what runs under the link's connection on the target. Gives up quietly: the target may be gone, or have no
/// shell; closing the connection is what remains then.
pub async fn clean_up(link: &Link) {
    let work = async {
        // sshd refuses a further session while ten run (`MaxSessions`); the closing ones make room in a moment.
        for _ in 0..10 {
            if run(link).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let _ = tokio::time::timeout(CLEAN_UP_TIME, work).await;
}

async fn run(link: &Link) -> bool {
    let Ok(mut channel) = link.open_session().await else {
        return false;
    };
    if channel.exec(false, SCRIPT).await.is_err() {
        return false;
    }
    while channel.wait().await.is_some() {}
    true
}
