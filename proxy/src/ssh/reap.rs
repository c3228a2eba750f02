//! The target's processes go with the session.
//!
//! When a connection closes, sshd hangs up its terminals and forgets the rest: `sleep 1000` without a pty, or anything
//! that ignores SIGHUP, would live on. So before the connection closes the gateway asks it, by one more exec, to end
//! what runs under it.

use std::time::Duration;

use crate::ssh::client::Link;

/// How long the clean-up may take in all.
const PATIENCE: Duration = Duration::from_millis(1500);

/// All sessions whose leader is a child of the same sshd as this very command, and whatever those processes have
/// begotten since, get SIGHUP, a fifth of a second to save their work, and SIGKILL. `/proc` is read rather than `ps`
/// run: it is there without procps. The text has no single quote, so any login shell can hand it to `/bin/sh`.
///
/// An sshd that ends before the script begins leaves it to process 1 or another reaper, whose children are everybody's:
/// so the parent must be an SSH server, and not process 1, or nothing is killed.
const SCRIPT: &str = r#"exec /bin/sh -c '
exec 2>/dev/null
me=$$ boss=$PPID
[ "$boss" -gt 1 ] && read -r name <"/proc/$boss/comm" || exit 0
case $name in sshd*|dropbear*) ;; *) exit 0 ;; esac
find_all() {
  all=" "
  while :; do
    before=$all
    for f in /proc/[0-9]*/stat; do
      read -r line <"$f" || continue
      pid=${f#/proc/}; pid=${pid%/stat}
      set -- ${line##*) }
      [ "$pid" = "$me" ] && continue
      [ "$4" = "$me" ] && continue
      case $all in *" $pid "*) continue ;; esac
      if [ "$2" = "$boss" ]; then all="$all$pid "; continue; fi
      case $all in *" $2 "*|*" $4 "*) all="$all$pid " ;; esac
    done
    [ "$all" = "$before" ] && break
  done
}
find_all
[ "$all" = " " ] && exit 0
kill -HUP $all; kill -CONT $all
sleep 0.2
first=$all
find_all
kill -KILL $first $all
'"#;

/// Ends what runs under the link's connection on the target. Gives up quietly: the target may be gone, or have no
/// shell; closing the connection is what remains then.
pub async fn reap(link: &Link) {
    let work = async {
        // sshd refuses a further session while ten run (`MaxSessions`); the closing ones make room in a moment.
        for _ in 0..10 {
            if run(link).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, work).await;
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
