# SPDX-License-Identifier: Apache-2.0
# Every order and grouping of what a peer does, on a kernel of the test's own:
# its definitions of system calls come before libc's, so it is a program apart.
file(GLOB edge_sources CONFIGURE_DEPENDS edges/*.cpp)
# <linux/tcp.h> and <netinet/tcp.h> exclude each other.
set_source_files_properties(edges/fake_kernel.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
add_executable(edge_test ${edge_sources})
target_link_libraries(edge_test PRIVATE gw_exchange gw_test_peers GTest::gtest_main)
add_test(NAME edge_test COMMAND edge_test)
set_tests_properties(edge_test PROPERTIES TIMEOUT 300)
