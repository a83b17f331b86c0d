#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Real IPsec negotiations between two hosts, and what `rolecall analyze` says of them. A client and a Front End live in
# network namespaces with a router between them; strongSwan negotiates, RTP flows, tcpdump writes what passes the router,
# and ipsec_check.py compares rolecall's episode with the capture's own packet times as tshark reads them. ESP is carried in
# UDP 4500 through a tun device (charon's kernel-libipsec), so the kernel needs no ESP. `./dev lab ipsec` calls this.
# Status: 0 all cases as they should be, 1 not, 77 cannot run here.
set -eu
cd "$(dirname "$0")/../.."

here=tests/lab
rolecall=${ROLECALL:-build/release/rolecall}
charon=${CHARON:-build/lab/usr/sbin/charon-systemd}
client_address=10.20.4.17
server_address=10.20.1.11
client_media=$client_address:50020
server_media=$server_address:57600
plugins="random nonce drbg aes sha1 sha2 hmac kdf gmp kernel-libipsec kernel-netlink socket-default vici"

say() { printf 'lab: %s\n' "$*" >&2; }
skip() { say "skipped: $*"; exit 77; }
fail() { bad=1; say "$*"; exit 1; }

[ "$(id -u)" = 0 ] || skip "network namespaces need root"
for program in ip tcpdump tshark swanctl /usr/bin/python3 "$charon" "$rolecall"; do
    command -v "$program" >/dev/null || skip "$program is missing"
done
[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] || skip "strongSwan's kernel-libipsec is missing"

work=$(mktemp -d "${TMPDIR:-/tmp}/rolecall-lab.XXXXXX")
client=rolecall-lab-$$-client
router=rolecall-lab-$$-router
server=rolecall-lab-$$-server
running=
bad=0

# Notes the process just put in the background.
started() { running="$running $!"; }

# Ends one process, and takes it off the list.
end() {
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    left=
    for process in $running; do [ "$process" = "$1" ] || left="$left $process"; done
    running=$left
}

end_all() {
    for process in $running; do end "$process"; done
    for name in $client $router $server; do
        [ ! -e "/run/netns/$name" ] || ip netns del "$name" || true
    done
}

# What went wrong stays to be looked at.
leave() {
    end_all
    if [ "$bad" = 0 ]; then rm -rf "$work"; else say "captures and logs: $work"; fi
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Two hosts with a router between them. The links are made inside, so the machine's own network never sees them.
make_network() {
    for name in $client $router $server; do
        ip netns add "$name" && ip -n "$name" link set lo up || return 1
        ip netns exec "$name" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null || true
    done
    join "$client" $client_address/22 10.20.4.1 toclient && join "$server" $server_address/24 10.20.1.1 toserver || return 1
    ip netns exec "$router" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

# join HOST ADDRESS/BITS GATEWAY LINK: a link to the router.
join() {
    ip -n "$router" link add "$4" type veth peer name eth0 netns "$1" &&
        ip -n "$router" address add "$3/${2#*/}" dev "$4" && ip -n "$router" link set "$4" up &&
        ip -n "$1" address add "$2" dev eth0 && ip -n "$1" link set eth0 up && ip -n "$1" route add default via "$3"
}

can_tun() { [ -c /dev/net/tun ] && ip -n "$client" tuntap add trial mode tun && ip -n "$client" tuntap del trial mode tun; }

# wait_for WHAT COMMAND...: tries for ten seconds.
wait_for() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "$what did not start: $(tail -n 3 "$folder"/*.log 2>/dev/null)"
        sleep 0.05
    done
}

# configure HOST OWN PEER VERSION SECRET: charon's settings. The mark keeps charon's own packets out of the tunnel, which leads
# to the very address it talks to. The server takes its time over each message, so that media begin meanwhile.
configure() {
    mkdir "$folder/$1"
    delay=0
    [ "$1" = client ] || delay=300
    cat >"$folder/$1/strongswan.conf" <<EOF
charon {
    load = $plugins
    retransmit_timeout = 1
    retransmit_base = 1
    retransmit_tries = 3
    receive_delay = $delay
    filelog {
        log {
            path = $folder/$1.log
            default = 1
            flush_line = yes
        }
    }
    plugins {
        kernel-libipsec {
            allow_peer_ts = yes
        }
        kernel-netlink {
            fwmark = !0x42
        }
        socket-default {
            fwmark = 0x42
        }
        vici {
            socket = unix://$folder/$1/vici
        }
    }
}
charon-systemd {
    journal {
        default = -1
    }
}
EOF
    cat >"$folder/$1/swanctl.conf" <<EOF
connections {
    pair {
        version = $4
        local_addrs = $2
        remote_addrs = $3
        proposals = aes128-sha256-modp2048
        local {
            auth = psk
            id = $2
        }
        remote {
            auth = psk
            id = $3
        }
        children {
            all {
                local_ts = $2/32
                remote_ts = $3/32
                esp_proposals = aes128-sha256
            }
        }
    }
}
secrets {
    ike-pair {
        secret = "$5"
    }
}
EOF
}

# start_charon NAMESPACE HOST
start_charon() {
    STRONGSWAN_CONF=$folder/$2/strongswan.conf ip netns exec "$1" "$work/charon" 2>"$folder/$2.err" &
    started
    wait_for "charon of the $2" test -S "$folder/$2/vici"
    STRONGSWAN_CONF=$folder/$2/strongswan.conf swanctl --load-all --noprompt --file "$folder/$2/swanctl.conf" \
        --uri "unix://$folder/$2/vici" >"$folder/$2-load.log" 2>&1 || fail "swanctl: $(cat "$folder/$2-load.log")"
}

# answer_call SECONDS [SILENT_PORT]: the server's end of the call, ready before anybody asks.
answer_call() {
    ip netns exec "$server" /usr/bin/python3 $here/rtp.py answer $server_media $client_media "$@" 2>"$folder/rtp-server.log" &
    answering=$!
    started
    wait_for "the server's end of the call" listening
}

listening() { ip netns exec "$server" ss -Hnul "sport = :${server_media#*:}" | grep -q .; }

# call SECONDS: the client's end, until both have ended.
call() {
    ip netns exec "$client" /usr/bin/python3 $here/rtp.py call $client_media $server_media "$1" 2>"$folder/rtp-client.log" &
    calling=$!
    started
    for process in $calling $answering; do
        wait "$process" || fail "a sender failed: $(cat "$folder"/rtp-*.log)"
        end "$process"
    done
}

negotiate() {
    STRONGSWAN_CONF=$folder/client/strongswan.conf swanctl --initiate --child all --uri "unix://$folder/client/vici" \
        >"$folder/initiate.log" 2>&1 &
    initiating=$!
    started
}

# one_case NAME VERSION PEER SECONDS STATE: what the negotiation meets (a charon that answers, one with another secret, a
# port nobody listens on, a port that stays silent), how long the call lasts, and the state the episode must end in.
one_case() {
    folder=$work/$1
    mkdir "$folder"
    make_network || skip "no network namespaces or veth links on this kernel"
    can_tun || skip "no tun device on this kernel"
    ip netns exec "$router" tcpdump -Z root -i toclient -n -U --immediate-mode -w "$folder/capture.pcap" 2>"$folder/tcpdump.log" &
    capturing=$!
    started
    wait_for tcpdump grep -q 'listening on' "$folder/tcpdump.log"
    configure client $client_address $server_address "$2" "one secret"
    [ "$3" = rejects ] && secret="another secret" || secret="one secret"
    configure server $server_address $client_address "$2" "$secret"
    start_charon "$client" client
    case $3 in answers | rejects) start_charon "$server" server ;; esac
    [ "$3" = silent ] && silent=500 || silent=
    answer_call "$4" $silent

    # The call begins while the first request is on its way.
    negotiate
    sleep 0.1
    call "$4"
    wait "$initiating" || [ "$3" != answers ] || fail "no negotiation: $(cat "$folder/initiate.log")"
    end "$initiating"
    end "$capturing"
    end_all
    judge_case "$@"
}

# judge_case NAME VERSION PEER SECONDS STATE
judge_case() {
    status=0
    "$rolecall" analyze --site $here/ipsec.site.json --json "$folder/capture.pcap" >"$folder/events.ndjson" || status=$?
    [ $status -le 1 ] || fail "$1: rolecall ended with status $status"
    /usr/bin/python3 $here/ipsec_check.py "$1" "$2" "$5" "$folder/capture.pcap" "$folder/events.ndjson" || bad=1
}

# wanted NAME: all cases, or the ones named on the command line.
wanted() {
    [ -n "$only" ] || return 0
    case " $only " in *" $1 "*) return 0 ;; esac
    return 1
}

cp "$(command -v "$charon")" "$work/charon"
only=$*
ran=0
while read -r name version peer seconds state; do
    wanted "$name" || continue
    ran=$((ran + 1))
    one_case "$name" "$version" "$peer" "$seconds" "$state" </dev/null
done <<'EOF'
ikev2-answered 2 answers 3 protected
ikev1-answered 1 answers 3 protected
ikev2-unanswered 2 refuses 2 unanswered
ikev1-unanswered 1 silent 2 unanswered
ikev2-fell-back 2 silent 5 fell-back
ikev1-fell-back 1 refuses 5 fell-back
ikev2-rejected 2 rejects 2 fell-back
EOF
[ $ran -gt 0 ] || { say "no such case: $only"; exit 2; }
exit $bad
