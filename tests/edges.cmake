# SPDX-License-Identifier: Apache-2.0
# Every order and grouping of what a peer does, on a kernel of the test's own:
# its definitions of system calls come before libc's, so it is a program apart.
file(GLOB edge_sources CONFIGURE_DEPENDS edges/*.cpp)
# <linux/tcp.h> and <netinet/tcp.h> exclude each other.
set_source_files_properties(edges/fake_kernel.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
add_executable(edge_test ${edge_sources})
target_link_libraries(edge_test PRIVATE gw_client gw_test_peers GTest::gtest_main)
# Half a minute of handshakes, side by side.
set(edge_shards 4)
foreach(shard RANGE 1 ${edge_shards})
  math(EXPR index "${shard} - 1")
  add_test(NAME edge_test_${shard} COMMAND edge_test)
  set_tests_properties(edge_test_${shard} PROPERTIES TIMEOUT 300 ENVIRONMENT
                       "GTEST_TOTAL_SHARDS=${edge_shards};GTEST_SHARD_INDEX=${index}")
endforeach()
