#!/usr/bin/env bash
# How long does a first build take, beside kameo's?
#
# Usage     benches/light.sh
# Prints    a Markdown table: crates and seconds of processor time of a clean debug build of the
#           book's counter, with this project and with kameo, each built once alone, in turn.
# Needs     the crates of both in cargo's cache, or the network.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
kameo=$(sed -n 's/^kameo = .*"\([0-9.]*\)".*/\1/p' "$root/benches/Cargo.toml")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# project NAME DEPENDENCIES < main.rs
project() {
  mkdir -p "$scratch/$1/src"
  cat >"$scratch/$1/src/main.rs"
  printf '[package]\nname = "%s-counter"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n%s\n[workspace]\n' \
    "$1" "$2" >"$scratch/$1/Cargo.toml"
  (cd "$scratch/$1" && cargo fetch --quiet)
}

project ours "foundation = { path = \"$root\" }" <"$root/examples/01_counter.rs"
project kameo "kameo = \"$kameo\"
tokio = { version = \"1\", features = [\"rt-multi-thread\", \"macros\"] }" <<'RUST'
use kameo::prelude::*;

#[derive(Actor, Default)]
struct Counter {
    n: i64,
}

#[messages]
impl Counter {
    #[message]
    fn get(&self) -> i64 {
        self.n
    }
    #[message]
    fn add(&mut self, by: i64) {
        self.n += by;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counter = Counter::spawn(Counter::default());
    counter.tell(Add { by: 2 }).await?;
    assert_eq!(counter.ask(Get).await?, 2);
    Ok(())
}
RUST

echo "| program | crates | processor seconds | wall seconds |"
echo "|---|---:|---:|---:|"
for name in ours kameo; do
  cd "$scratch/$name"
  crates=$(cargo tree --prefix none -e normal,build | sed 's/ (\*)$//; s/ (proc-macro)$//' | sort -u | wc -l)
  TIMEFORMAT='%U %S %R'
  read -r user system wall < <({ time cargo build --quiet --jobs 2 --target-dir "$scratch/target-$name" >&3; } 3>&1 2>&1)
  cargo run --quiet --target-dir "$scratch/target-$name" >/dev/null
  awk -v n="$name" -v c="$crates" -v u="$user" -v s="$system" -v w="$wall" \
    'BEGIN { printf "| %s | %d | %.1f | %.1f |\n", n, c, u + s, w }'
done
