# SPDX-License-Identifier: Apache-2.0
# Completion of gatewhy(1) for bash. A test holds the lists against --help.

_gatewhy_commands="run check schema explain demo probe route report why top reload health endpoint fleet help version"

_gatewhy_options() {
  case $1 in
    run) echo "--config --to --from --watch --help" ;;
    check) echo "--config --strict --json --help" ;;
    schema) echo "--event --help" ;;
    explain) echo "--json --help" ;;
    demo) echo "--from --admin --help" ;;
    probe) echo "--method --header --resolve --ca --insecure --timeout --http2 --all-addresses --repeat --json --help" ;;
    route) echo "--config --client --header --json --help" ;;
    report) echo "--from --credentials --nats-ca --stream --since --until --origin --html --json --help" ;;
    why) echo "--last --admin --config --log --from --credentials --nats-ca --stream --json --help" ;;
    top) echo "--admin --config --from --credentials --nats-ca --stream --once --help" ;;
    reload) echo "--admin --config --pid --help" ;;
    health) echo "--admin --config --ready --help" ;;
    endpoint) echo "--admin --config --help" ;;
    fleet) echo "--nats --credentials --nats-ca --stream --since --listen --once --json --help" ;;
    help | version) echo "--help" ;;
    *) echo "--help --version" ;;
  esac
}

# The names of all causes, from the program itself.
_gatewhy_causes() {
  "${COMP_WORDS[0]}" explain --json 2>/dev/null | grep -o '"cause": *"[a-z0-9_]*"' | cut -d'"' -f4 | sort -u
}

_gatewhy() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ " $_gatewhy_commands " == *" ${COMP_WORDS[i]} "* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done

  case $before in
    -c | --config | --ca | --log | --html)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    --method)
      mapfile -t COMPREPLY < <(compgen -W "GET HEAD POST PUT PATCH DELETE OPTIONS" -- "$word")
      return ;;
    --timeout | --header | --resolve | --repeat | --client | --origin | --since | --until | --admin | --to | --from)
      return ;;
  esac

  if [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$_gatewhy_commands $(_gatewhy_options)" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_gatewhy_options "$command")" -- "$word")
  elif [[ $command == report || $command == check || $command == run ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  elif [[ $command == explain ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_gatewhy_causes)" -- "$word")
  elif [[ $command == route && $before == route ]]; then
    mapfile -t COMPREPLY < <(compgen -W "GET HEAD POST PUT PATCH DELETE OPTIONS" -- "$word")
  elif [[ $command == endpoint && $before == endpoint ]]; then
    mapfile -t COMPREPLY < <(compgen -W "drain ready list" -- "$word")
  elif [[ $command == help ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$_gatewhy_commands" -- "$word")
  elif [[ $command == probe ]]; then
    mapfile -t COMPREPLY < <(compgen -W "http:// https:// unix:/" -- "$word")
    compopt -o nospace 2>/dev/null
  fi
}

complete -F _gatewhy gatewhy
