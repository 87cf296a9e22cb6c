# Completion of drover for bash. Names are asked of the daemon, briefly; without one nothing but words is offered.

# _drover_names WHAT: guests, owners, images, versions or operations, one a line.
_drover_names() {
    local verb field=name
    case $1 in
    guests) verb=list ;;
    owners) verb='owner list' ;;
    images) verb='image list' field=image ;;
    versions) verb='image list' field=version ;;
    operations) verb=operations field=id ;;
    esac
    # shellcheck disable=SC2086 # a verb of two words
    timeout 2 drover $verb --json "${socket[@]}" 2>/dev/null |
        sed -n "s/^ \{1,4\}\"$field\": \"\(sha256:\)\{0,1\}\([A-Za-z0-9.-]*\)\",\{0,1\}\$/\2/p" | sort -u
}

# _drover_flags VERB
_drover_flags() {
    local common='--help --socket --json'
    case $1 in
    '') echo "$common --version" ;;
    request)
        echo "$common --count --owner --image --profile --kind --network --additional --idempotency-key --no-wait --timeout"
        ;;
    list) echo "$common --owner --gone --where" ;;
    start | stop | restart | recover) echo "$common --owner --all --wave --plan --no-wait --timeout" ;;
    rebuild) echo "$common --owner --all --wave --plan --keep --yes --no-wait --timeout" ;;
    retire) echo "$common --owner --all --wave --plan --purge --yes --no-wait --timeout" ;;
    restore) echo "$common --owner --all --wave --plan --from --yes --no-wait --timeout" ;;
    snapshot) echo "$common --owner --all --wave --plan --name --no-wait --timeout" ;;
    backup) echo "$common --owner --all --wave --plan --name --registry --no-wait --timeout" ;;
    export) echo "$common --owner --all --wave --plan --file --no-wait --timeout" ;;
    import) echo "$common --owner --no-wait --timeout" ;;
    lease) echo "$common --until --for --off --owner --all" ;;
    rollback) echo "$common --owner --all --wave --plan --with-snapshot --no-wait --timeout" ;;
    upgrade)
        echo "$common --owner --all --wave --plan --to --canary --settle --shadows --with-snapshot --no-wait --timeout"
        ;;
    shadows) echo "$common --owner --all --to" ;;
    service | keys) echo "$common --owner --all --no-wait --timeout" ;;
    passwd) echo "$common --user --timeout" ;;
    autostart) echo "$common --owner --all" ;;
    protect) echo "$common --off --owner --all" ;;
    give) echo "$common --owner" ;;
    'host stop') echo "$common --budget --no-wait --timeout" ;;
    events) echo "$common --since --follow" ;;
    console) echo "$common --force --linger" ;;
    logs) echo "$common --follow --previous --boot --lines --raw" ;;
    top) echo "$common --once --interval" ;;
    operations) echo "$common --limit --plot" ;;
    'pool set') echo "$common --profile --kind --stopped --parked --schedule --demand" ;;
    net | 'net list') echo "$common --guests" ;;
    'pool drain') echo "$common --profile --kind" ;;
    'health pause') echo "$common --for --reason" ;;
    open) echo "$common --for --from --reason --publish" ;;
    extend) echo "$common --for" ;;
    'owner set') echo "$common --quota --key --login --no-login" ;;
    'image build') echo "$common --template --no-wait --timeout" ;;
    'image remove') echo "$common --no-wait --timeout" ;;
    'image add') echo "$common --cloud-init --memory --no-wait --timeout" ;;
    fsck) echo "$common --repair" ;;
    *) echo "$common" ;;
    esac
}

# _drover_words VERB: what may stand where no flag does.
_drover_words() {
    case $1 in
    '')
        echo request list show start stop restart rebuild retire upgrade rollback shadows events operations pause \
            resume cancel owner image host autostart protect give lease snapshot restore recover backup export import \
            copies open close extend openings pool net health service keys passwd fsck doctor console logs top
        ;;
    host) echo stop start status ;;
    autostart)
        echo last always never
        _drover_names guests
        ;;
    owner) echo set list remove ;;
    image) echo list build add promote rollback remove diff verify sbom ;;
    copies) echo list remove ;;
    pool) echo list set drain ;;
    net) echo list ;;
    list | show | console | logs | start | stop | restart | rebuild | retire | upgrade | rollback | shadows | protect | give | \
        lease | snapshot | restore | backup | export | keys | passwd | 'copies list' | 'copies remove' | 'health explain' | open | close | extend | openings) _drover_names guests ;;
    service)
        echo list enable disable start stop restart
        _drover_names guests
        ;;
    health)
        echo pause resume explain
        _drover_names guests
        ;;
    import) compgen -f ;;
    'image add')
        _drover_names images
        compgen -f
        ;;
    'owner set' | 'owner remove') _drover_names owners ;;
    'image build' | 'image rollback' | 'pool set' | 'pool drain') _drover_names images ;;
    'image promote' | 'image remove' | 'image sbom')
        _drover_names images
        _drover_names versions
        ;;
    'image diff' | 'image verify') _drover_names versions ;;
    operations | pause | resume | cancel) _drover_names operations ;;
    esac
}

# _drover_values FLAG: fails for one that takes no value; prints "files" for a path.
_drover_values() {
    case $1 in
    --owner) _drover_names owners ;;
    --image) _drover_names images ;;
    --to) _drover_names versions ;;
    --canary) _drover_names guests ;;
    --shadows) echo warn hold reset-path ;;
    --kind) echo vm container ;;
    --login | --user) compgen -u ;;
    --socket | --key | --registry | --plot | --file) echo files ;;
    --count | --stopped | --parked | --schedule | --demand | --memory | --wave | --settle | --budget | --profile | --idempotency-key | --timeout | --where | --since | --quota | --limit | --name | --from | --keep | --until | --for | --linger | --boot | --lines | --interval | --reason) ;;
    *) return 1 ;;
    esac
}

_drover() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' word values n
    local socket=()
    for ((n = 1; n < COMP_CWORD; n++)); do
        word=${COMP_WORDS[n]}
        if [[ $word == --socket ]]; then socket=(--socket "${COMP_WORDS[n + 1]}"); fi
        if [[ $word == -* ]]; then
            if _drover_values "$word" >/dev/null </dev/null; then ((n++)); fi
        elif [[ -z $verb ]]; then
            verb=$word
        elif [[ $verb == owner || $verb == image || $verb == host || $verb == copies || $verb == pool || $verb == net || $verb == health ]]; then
            verb+=" $word"
        fi
    done
    COMPREPLY=()
    if [[ $previous == --* ]] && values=$(_drover_values "$previous"); then
        if [[ $values == files ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi
    elif [[ $current == -* ]]; then
        values=$(_drover_flags "$verb")
    else
        values=$(_drover_words "$verb")
    fi
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
}

complete -F _drover drover
