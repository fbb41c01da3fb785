# fish completion for mailmoorctl(1)

# Every mailbox object begins with its name and its state.
function __mailmoorctl_mailboxes
    mailmoorctl --json status 2>/dev/null | string match -rag '\{"name":"([^"]*)","state":'
end

set -l commands check status login logout password sync pause resume confirm folders verify doctor key reload version

complete -c mailmoorctl -f
complete -c mailmoorctl -l socket -r -F -d 'Control socket'
complete -c mailmoorctl -l json -d 'Print JSON'
complete -c mailmoorctl -l help -d 'Print help'
complete -c mailmoorctl -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version'
complete -c mailmoorctl -n "not __fish_seen_subcommand_from $commands" -a "$commands"
complete -c mailmoorctl -n '__fish_seen_subcommand_from status login logout password sync pause resume confirm folders verify doctor' -a '(__mailmoorctl_mailboxes)'
complete -c mailmoorctl -n '__fish_seen_subcommand_from status' -l watch -d 'Again every two seconds'
complete -c mailmoorctl -n '__fish_seen_subcommand_from login' -l all-pending -d 'All that need a login'
complete -c mailmoorctl -n '__fish_seen_subcommand_from login' -l flow -x -a 'device browser paste' -d 'How to sign in'
complete -c mailmoorctl -n '__fish_seen_subcommand_from sync' -l wait -d 'Until complete'
complete -c mailmoorctl -n '__fish_seen_subcommand_from verify' -l deep -d 'Compare contents, too'
complete -c mailmoorctl -n '__fish_seen_subcommand_from verify' -l repair -d 'Fetch what is missing, replace what is damaged'
complete -c mailmoorctl -n '__fish_seen_subcommand_from verify' -l fetch-removed -d 'With --repair, also what was removed here'
complete -c mailmoorctl -n '__fish_seen_subcommand_from password' -l stdin -d 'Read it from standard input'
complete -c mailmoorctl -n '__fish_seen_subcommand_from check' -F
complete -c mailmoorctl -n '__fish_seen_subcommand_from key; and not __fish_seen_subcommand_from init rotate' -a 'init rotate'
complete -c mailmoorctl -n '__fish_seen_subcommand_from key; and __fish_seen_subcommand_from init' -F
complete -c mailmoorctl -n '__fish_seen_subcommand_from key; and __fish_seen_subcommand_from rotate' -l from -r -F -d 'File of the new key'
complete -c mailmoorctl -n '__fish_seen_subcommand_from key; and __fish_seen_subcommand_from rotate' -l config -r -F -d 'Configuration, without a daemon'
