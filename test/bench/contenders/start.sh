# shellcheck shell=bash
# prebake-node on a node whose image carries no bake.

no_marker_runs=50
no_marker_begin() { disk_same erased; }
no_marker_command() { inside prebake-node teardown; }
no_marker_end() { assert_equal "what it says" "" "$out"; }
