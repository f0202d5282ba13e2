# SPDX-License-Identifier: Apache-2.0
# The real binary, real sockets, and other people's programs where installed.
add_library(gw_test_integration STATIC integration/socket.cpp integration/http_wire.cpp integration/gateway.cpp
            integration/hostile_requests.cpp integration/recording_origin.cpp integration/h2_client.cpp
            integration/nats_cluster.cpp integration/silent_peers.cpp)
target_link_libraries(gw_test_integration PUBLIC gw_test_support PkgConfig::NGHTTP2 GTest::gtest)

file(GLOB integration_tests CONFIGURE_DEPENDS integration/*_test.cpp)
foreach(source IN LISTS integration_tests)
  get_filename_component(name ${source} NAME_WE)
  file(GLOB parts CONFIGURE_DEPENDS integration/${name}_*.cpp)
  add_executable(${name} ${source} ${parts})
  target_link_libraries(${name} PRIVATE gw_test_integration GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE GATEWHY_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                             GATEWHY_BINARY="$<TARGET_FILE:gatewhy>")
  add_dependencies(${name} gatewhy)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 180 PROCESSORS 2)
endforeach()
