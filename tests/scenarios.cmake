# SPDX-License-Identifier: Apache-2.0
# A test case per story, found when the program is run to list its tests.
add_executable(gatewhy_test_dns support/dns_server_main.cpp)
target_link_libraries(gatewhy_test_dns PRIVATE gw_test_support)

target_compile_definitions(gw_test_support PRIVATE GATEWHY_BINARY="$<TARGET_FILE:gatewhy>"
                                                   GATEWHY_TEST_DNS_BINARY="$<TARGET_FILE:gatewhy_test_dns>")
add_executable(scenario_test scenario_test.cpp)
target_link_libraries(scenario_test PRIVATE gw_test_support)
target_compile_definitions(scenario_test PRIVATE GATEWHY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
add_dependencies(scenario_test gatewhy gatewhy_test_dns)

# The list of tests is the list of files: a new file means to look again.
file(GLOB scenario_files CONFIGURE_DEPENDS scenario/*.yaml)
string(REPLACE ";" "\n" scenario_list "${scenario_files}")
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/scenario_files.txt CONTENT "${scenario_list}\n")
set_property(SOURCE scenario_test.cpp PROPERTY OBJECT_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/scenario_files.txt)
gtest_discover_tests(scenario_test DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 120)
