# SPDX-License-Identifier: Apache-2.0
# The real binary, real sockets, and other people's programs where installed.
add_library(gw_test_integration STATIC integration/socket.cpp integration/http_wire.cpp integration/gateway.cpp
            integration/hostile_requests.cpp integration/recording_origin.cpp integration/h2_client.cpp
            integration/nats_cluster.cpp integration/nats_users.cpp integration/metrics_store.cpp integration/silent_peers.cpp
            integration/port_printer.cpp)
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
  # Three brokers and three gateways under load leave nothing for others.
  set(serial FALSE)
  if(name STREQUAL fleet_proof_test)
    set(serial TRUE)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 180 PROCESSORS 2 RUN_SERIAL ${serial})
endforeach()

# Both ends of gRPC by grpc++: one small program, for its headers are large.
# Its .pc file names a hundred others, which takes minutes to follow.
find_library(GRPCPP grpc++ REQUIRED)
find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
set(call_proto ${CMAKE_CURRENT_SOURCE_DIR}/grpc/call.proto)
set(call_folder ${CMAKE_CURRENT_BINARY_DIR}/grpc)
file(MAKE_DIRECTORY ${call_folder})
add_custom_command(
  OUTPUT ${call_folder}/call.pb.cc ${call_folder}/call.grpc.pb.cc
  COMMAND ${PROTOC} -I ${CMAKE_CURRENT_SOURCE_DIR}/grpc --cpp_out=${call_folder} --grpc_out=${call_folder}
          --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${call_proto}
  DEPENDS ${call_proto})
add_executable(gatewhy_test_grpc grpc/grpc_peer.cpp ${call_folder}/call.pb.cc ${call_folder}/call.grpc.pb.cc)
target_include_directories(gatewhy_test_grpc SYSTEM PRIVATE ${call_folder})
target_link_libraries(gatewhy_test_grpc PRIVATE ${GRPCPP} grpc gpr protobuf absl_synchronization Threads::Threads)
set_target_properties(gatewhy_test_grpc PROPERTIES UNITY_BUILD OFF)
# Nor is grpc++ built for a sanitizer.
if(GATEWHY_SANITIZE)
  target_compile_options(gatewhy_test_grpc PRIVATE -fno-sanitize=all)
  target_link_options(gatewhy_test_grpc PRIVATE -fno-sanitize=all)
endif()
# What the generator writes is not ours to warn of.
set_source_files_properties(${call_folder}/call.pb.cc ${call_folder}/call.grpc.pb.cc PROPERTIES COMPILE_OPTIONS -w)
foreach(name grpc_test checks_test)
  target_compile_definitions(${name} PRIVATE GATEWHY_GRPC_PEER="$<TARGET_FILE:gatewhy_test_grpc>")
  add_dependencies(${name} gatewhy_test_grpc)
endforeach()
