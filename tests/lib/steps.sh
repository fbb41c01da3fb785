# Sourced by tests/run: runs named steps, keeps their counts, prints the table at the end.
# shellcheck shell=bash disable=SC2154  # the caller sets logs
# A step is a function or command that may set passed, failed and skipped; it fails as a whole when its status is not 0.

rows=()
total_passed=0 total_failed=0 total_skipped=0

heading() {
  printf '\n=== %s\n' "$*"
}

step() {
  local name=$1 started=$SECONDS status=0
  shift
  passed=0 failed=0 skipped=0
  heading "$name"
  "$@" || status=$?
  ((status != 0 && failed == 0)) && failed=1
  rows+=("$(printf '%-28s %7d %7d %8d %7d s' "$name" "$passed" "$failed" "$skipped" $((SECONDS - started)))")
  ((total_passed += passed, total_failed += failed, total_skipped += skipped))
  echo "$passed passed, $failed failed, $skipped skipped in $((SECONDS - started)) s"
}

finish() {
  printf '\n%-28s %7s %7s %8s %9s\n' "" passed failed skipped time
  printf '%s\n' "${rows[@]}"
  printf '%-28s %34d s\n\n' "" "$SECONDS"
  if ((total_skipped > 0)); then
    echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
  else
    echo "$total_passed passed, $total_failed failed"
  fi
  ((total_failed == 0))
  exit
}

# ctest_counted BUILD_DIRECTORY NAME LABELS: the counts come from ctest's own report.
ctest_counted() {
  local report=$logs/ctest-$2.xml log=$logs/ctest-$2.log status=0 tests
  rm -f "$report"
  ctest --test-dir "$1" -L "$3" -j "$(nproc)" --output-on-failure --timeout 600 --no-tests=error \
    --output-junit "$report" >"$log" 2>&1 || status=$?
  attribute() { grep -m1 -oP "^\s*$1=\"\K\d+" "$report" 2>/dev/null || echo 0; }
  tests=$(attribute tests) failed=$(attribute failures) skipped=$(($(attribute skipped) + $(attribute disabled)))
  passed=$((tests - failed - skipped))
  if ((status != 0)); then tail -n 120 "$log"; fi
  grep -E '\((Skipped|Not Run)\)' "$log" | sort -u
  return $status
}

# programs_counted BUILD_DIRECTORY LOGS: every test program there, each in four processes; the counts come from GoogleTest's
# own reports. (ctest takes a process for each test, which a sanitizer makes dear.) Two for each core, as they also wait:
# for files, and for one another's threads.
programs_counted() {
  local shards=4 program shard report log
  rm -rf "$2"
  mkdir -p "$2"
  # The largest programs first: they take the longest.
  for program in $(ls -S "$1"/bin/test_*); do
    for ((shard = 0; shard < shards; shard++)); do printf '%s\n' "$program $shard"; done
  done >"$2/processes"
  xargs -a "$2/processes" -P "$((2 * $(nproc)))" -L 1 tests/lib/test_process "$2" "$shards"
  while read -r program shard; do
    log=$2/$(basename "$program").$shard.log report=${log%.log}.xml
    if ! grep -q '^exit 0$' "$log" 2>/dev/null; then
      echo "--- $program, part $shard"
      tail -n 80 "$log"
    fi
    count_report "$report"
  done <"$2/processes"
  ((passed > 0 && failed == 0))
}

# count_report FILE: adds what a GoogleTest report counts; a program that left none has failed.
count_report() {
  local total wrong left_out
  if ! total=$(grep -m1 -oP '<testsuites tests="\K\d+' "$1" 2>/dev/null); then
    ((failed += 1))
    return
  fi
  wrong=$(grep -m1 -oP '<testsuites .*failures="\K\d+' "$1")
  left_out=$(grep -c 'result="skipped"' "$1")
  ((failed += wrong, skipped += left_out, passed += total - wrong - left_out))
}

# last_line_counts COMMAND…: a runner whose last line is "N passed, N failed[, N skipped]".
last_line_counts() {
  local status=0 line
  "$@" > >(tee "$logs/last-output") 2>&1 || status=$?
  wait $!
  line=$(tail -n 1 "$logs/last-output")
  if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
  fi
  return $status
}
