#compdef drover
# Completion of drover for zsh. Names are asked of the daemon, briefly; without one nothing but words is offered.

# _drover_names WHAT: guests, owners, images, versions or operations, as candidates.
_drover_names() {
    local field=name
    local -a verb names
    case $1 in
    guests) verb=(list) ;;
    owners) verb=(owner list) ;;
    images) verb=(image list) field=image ;;
    versions) verb=(image list) field=version ;;
    operations) verb=(operations) field=id ;;
    esac
    names=(${(f)"$(timeout 2 drover $verb --json 2>/dev/null |
        sed -n "s/^ \{1,4\}\"$field\": \"\(sha256:\)\{0,1\}\([A-Za-z0-9.-]*\)\",\{0,1\}\$/\2/p" | sort -u)"})
    compadd -a names
}

_drover_verbs() {
    local -a verbs=(
        'request:see that an owner has N guests' 'list:list guests' 'show:one guest and how to get in'
        'start:start guests' 'stop:stop guests in good order' 'restart:stop guests and start them again'
        'rebuild:give guests a fresh overlay' 'retire:remove guests for good'
        'upgrade:have guests run another version' 'rollback:have guests run the version before'
        'shadows:what guests have of their own that hides a version' 'events:what happened'
        'console:sit at a guest'\''s console' 'logs:what a guest wrote on its console' 'top:watch the herd'
        'operations:what was asked for' 'pause:let no further guest begin' 'resume:let it go on'
        'cancel:put back what was not begun' 'owner:set, list, remove'
        'image:list, build, add, promote, rollback, remove, diff, verify, sbom'
        'host:stop, start, status' 'autostart:what guests are to be after a boot'
        'protect:have guests neither rebuilt nor retired' 'give:make guests another owner'\''s'
        'lease:lend guests until a day' 'snapshot:keep a copy of overlays' 'restore:give overlays of copies back'
        'recover:take retired guests back' 'backup:keep guests, or the registry' 'export:write a guest into a file'
        'import:make a guest of a file' 'copies:list, remove' 'open:open a port of a guest for a while'
        'close:close a port of a guest' 'extend:have it closed later' 'openings:which ports are open' 'pool:guests ahead of demand' 'net:the networks, and who is where' 'health:how guests are, pause, resume, explain'
        'service:list, enable, disable, start, stop, restart services' 'keys:have guests take ssh keys anew'
        'passwd:a one-time password for a console' 'fsck:hold registry, hypervisor and disk against each other'
        'doctor:what on this host will bite'
    )
    _describe verb verbs
}

_drover_rest() {
    local -a common=('--help[print help]' '--socket[the daemon'\''s socket]:path:_files' '--json[answer for programs]')
    local -a waiting=('--no-wait[do not wait]' '--timeout[how long to wait]:duration')
    local -a selection=('--owner[guests of this owner]:owner:_drover_names owners' '--all[all that you may see]')
    local -a waves=('--wave[how fast]:limits' '--plan[tell who would move when]')
    local -a guests=('*:guest:_drover_names guests')
    case $1 in
    request)
        _arguments $common $waiting '--count[how many]:number' '--owner[whose]:owner:_drover_names owners' \
            '--image[of which]:image:_drover_names images' '--profile[how its disk is laid out]:profile' \
            '--kind[of which]:kind:(vm container)' '--network[theirs]:name' '--additional[more, whatever there is]' \
            '--idempotency-key[the same request once]:key'
        ;;
    list)
        _arguments $common $guests '--owner[only of this owner]:owner:_drover_names owners' \
            '--gone[also guests that are gone]' '*--where[only with this value]:key=value'
        ;;
    show) _arguments $common '1:guest:_drover_names guests' ;;
    console)
        _arguments $common '1:guest:_drover_names guests' '--force[take the place of whoever sits there]' \
            '--linger[leave after so long a silence]:duration'
        ;;
    logs)
        _arguments $common '1:guest:_drover_names guests' '--follow[go on]' '--previous[of the start before the last]' \
            '--boot[of so many starts ago]:number' '--lines[only the last]:number' '--raw[byte for byte]'
        ;;
    top) _arguments $common '--once[print it once]' '--interval[look so often]:duration' ;;
    start | stop | restart) _arguments $common $waiting $selection $waves $guests ;;
    recover) _arguments $common $waiting $selection $waves '*:guest' ;;
    rollback) _arguments $common $waiting $selection $waves $guests '--with-snapshot[the data too]' ;;
    rebuild) _arguments $common $waiting $selection $waves $guests '--yes[do not ask]' '*--keep[leave this]:path' ;;
    retire) _arguments $common $waiting $selection $waves $guests '--yes[do not ask]' '--purge[keep nothing]' ;;
    restore) _arguments $common $waiting $selection $waves $guests '--yes[do not ask]' '--from[which]:copy' ;;
    snapshot) _arguments $common $waiting $selection $waves $guests '--name[of the copy]:name' ;;
    backup)
        _arguments $common $waiting $selection $waves $guests '--name[of the copy]:name' \
            '--registry[the registry, into this file]:file:_files'
        ;;
    export) _arguments $common $waiting $selection $waves $guests '--file[into this file]:file:_files' ;;
    import)
        _arguments $common $waiting '--owner[whose it is to be]:owner:_drover_names owners' '1:file:_files'
        ;;
    lease)
        _arguments $common $selection '--until[the last day]:day' '--for[so long]:duration' '--off[for ever]' $guests
        ;;
    copies-list | copies-remove) _arguments $common $guests ;;
    copies) _arguments -C $common '1:verb:(list remove)' '*::rest:->second' ;;
    pool-set)
        _arguments $common '--profile[theirs]:name' '--kind[theirs]:kind:(vm container)' '--stopped[built and off]:number' \
            '--parked[booted and paused]:number' '*--schedule[from when on]:entry' '--demand[served at once]:percent' \
            '1:image:_drover_names images'
        ;;
    pool-drain)
        _arguments $common '--profile[theirs]:name' '--kind[theirs]:kind:(vm container)' '1:image:_drover_names images'
        ;;
    open)
        _arguments $common '--for[so long]:duration' '--from[who may come in]:network' '--reason[why]:text' \
            '--publish[as a port of the host]' '1:guest:_drover_names guests' '2:port'
        ;;
    close) _arguments $common '1:guest:_drover_names guests' '2:port' ;;
    extend) _arguments $common '--for[by how much]:duration' '1:guest:_drover_names guests' '2:port' ;;
    openings) _arguments $common $guests ;;
    health-pause) _arguments $common '--for[so long]:duration' '--reason[why]:text' ;;
    health-explain) _arguments $common '1:guest:_drover_names guests' ;;
    health) _arguments -C $common '1:verb or guest:(pause resume explain)' '*::rest:->second' ;;
    net-list) _arguments $common '--guests[which guest is where]' ;;
    net) _arguments -C $common '--guests[which guest is where]' '1:verb:(list)' '*::rest:->second' ;;
    pool) _arguments -C $common '1:verb:(list set drain)' '*::rest:->second' ;;
    upgrade)
        _arguments $common $waiting $selection $waves $guests '--to[which]:version:_drover_names versions' \
            '*--canary[those that go first]:guest:_drover_names guests' '--settle[how long they are watched]:duration' \
            '--with-snapshot[a snapshot before]' \
            '--shadows[of guests that hide what changes]:policy:(warn hold reset-path)'
        ;;
    pause | resume | cancel) _arguments $common '1:operation:_drover_names operations' ;;
    shadows) _arguments $common $selection $guests '--to[which]:version:_drover_names versions' ;;
    service)
        _arguments $common $waiting $selection \
            '*:guest, verb or service:{ compadd list enable disable start stop restart; _drover_names guests; }'
        ;;
    keys) _arguments $common $waiting $selection $guests ;;
    passwd)
        _arguments $common '--user[whose password]:login' '--timeout[how long to wait]:duration' \
            '1:guest:_drover_names guests'
        ;;
    autostart) _arguments $common $selection '1:what:(last always never)' $guests ;;
    protect) _arguments $common $selection '--off[let them be again]' $guests ;;
    give) _arguments $common '--owner[whose from now on]:owner:_drover_names owners' $guests ;;
    host-stop) _arguments $common $waiting '--budget[then force]:duration' ;;
    host) _arguments -C $common '1:verb:(stop start status)' '*::rest:->second' ;;
    events) _arguments $common '--since[after this event]:id' '--follow[go on]' ;;
    operations) _arguments $common '--limit[at most so many]:number' \
            '--plot[draw it]:file:_files' '1:operation:_drover_names operations' ;;
    owner-set)
        _arguments $common '1:owner:_drover_names owners' '--quota[guests at most]:number' \
            '*--key[ssh public keys]:file:_files' '--login[account on this host]:account:_users' \
            '--no-login[no account any more]'
        ;;
    owner-remove) _arguments $common '1:owner:_drover_names owners' ;;
    image-build) _arguments $common $waiting '--template[also make what guests are forked from]' '1:image:_drover_names images' ;;
    image-add)
        _arguments $common $waiting '--cloud-init[it has cloud-init]' '--memory[of a guest, at least]:size' \
            '1:image:_drover_names images' '2:file:_files'
        ;;
    image-promote) _arguments $common '1:image:_drover_names images' '2:version:_drover_names versions' ;;
    image-rollback) _arguments $common '1:image:_drover_names images' ;;
    image-remove)
        _arguments $common $waiting '1:image:_drover_names images' '2:version:_drover_names versions'
        ;;
    image-diff) _arguments $common '1:version:_drover_names versions' '2:version:_drover_names versions' ;;
    image-verify) _arguments $common '1:version:_drover_names versions' ;;
    image-sbom) _arguments $common '1:version:{ _drover_names versions; _drover_names images; }' ;;
    owner) _arguments -C $common '1:verb:(set list remove)' '*::rest:->second' ;;
    image) _arguments -C $common '1:verb:(list build add promote rollback remove diff verify sbom)' '*::rest:->second' ;;
    fsck) _arguments $common '--repair[mend what can be mended]' ;;
    *) _arguments $common ;;
    esac
    [[ $state == second ]] && state= && _drover_rest "$1-$words[1]"
}

_drover() {
    local curcontext=$curcontext state line
    _arguments -C '--help[print help]' '--version[print the version]' '--json[answer for programs]' \
        '--socket[the daemon'\''s socket]:path:_files' '1:verb:_drover_verbs' '*::rest:->rest'
    [[ $state == rest ]] && state= && _drover_rest "$words[1]"
}

_drover "$@"
