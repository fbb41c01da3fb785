# bash completion for mailmoorctl(1)

# Every mailbox object begins with its name and its state; folders have a name, too, but no state behind it.
_mailmoorctl_mailboxes() {
  mailmoorctl "$@" --json status 2>/dev/null | grep -o '{"name":"[^"]*","state":' | cut -d '"' -f 4
}

_mailmoorctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local commands='check status login logout password sync pause resume confirm folders verify doctor key reload version'
  local command="" word i words=()
  local -a socket=()
  COMPREPLY=()

  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      --socket)
        ((++i < COMP_CWORD)) && socket=(--socket "${COMP_WORDS[i]}")
        ;;
      --flow | --from | --config) ((i++)) ;;
      -*) ;;
      *) [[ -n $command ]] && words+=("$word") || command=$word ;;
    esac
  done

  case $previous in
    --socket | --from | --config)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --flow)
      mapfile -t COMPREPLY < <(compgen -W 'device browser paste' -- "$current")
      return
      ;;
  esac

  local choices='--socket --json --help'
  case $command in
    '') choices+=" --version $commands" ;;
    status)
      choices+=' --watch'
      ((${#words[@]} == 0)) && choices+=" $(_mailmoorctl_mailboxes "${socket[@]}")"
      ;;
    login) choices+=" --all-pending --flow $(_mailmoorctl_mailboxes "${socket[@]}")" ;;
    sync) choices+=" --wait $(_mailmoorctl_mailboxes "${socket[@]}")" ;;
    verify) choices+=" --deep --repair --fetch-removed $(_mailmoorctl_mailboxes "${socket[@]}")" ;;
    password)
      choices+=' --stdin'
      ((${#words[@]} == 0)) && choices+=" $(_mailmoorctl_mailboxes "${socket[@]}")"
      ;;
    logout | pause | resume | confirm | folders | doctor)
      ((${#words[@]} == 0)) && choices+=" $(_mailmoorctl_mailboxes "${socket[@]}")"
      ;;
    key)
      ((${#words[@]} == 0)) && choices+=' init rotate'
      [[ ${words[0]-} == rotate ]] && choices+=' --from --config'
      ;;
  esac
  if [[ $current != -* && ($command == check || ($command == key && ${words[0]-} == init)) ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -F _mailmoorctl mailmoorctl
