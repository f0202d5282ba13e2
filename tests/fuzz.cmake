# SPDX-License-Identifier: Apache-2.0
# One fuzz target per entry that takes foreign bytes without doing I/O.
# With GATEWHY_FUZZ (clang) they are libFuzzer programs fuzz_<name>, all built
# by `ninja fuzz_targets`. Without it, replay_<name> runs the seed corpus and
# every input that ever found something, in each ordinary test run.

# Two parsers written by others, to compare framing with. Debian's node-llhttp
# ships its C sources.
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH)
find_path(BEAST_INCLUDE_DIR boost/beast.hpp)
if(LLHTTP_SOURCE_DIR AND LLHTTP_INCLUDE_DIR AND BEAST_INCLUDE_DIR)
  add_library(gw_llhttp STATIC ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c)
  set_property(TARGET gw_llhttp PROPERTY UNITY_BUILD OFF)
  # Foreign C: none of our warnings, none of our C++ options.
  set_property(TARGET gw_llhttp PROPERTY COMPILE_OPTIONS -w)
  target_compile_definitions(gw_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  target_include_directories(gw_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
  add_library(gw_fuzz_peers STATIC fuzz/llhttp_peer.cpp fuzz/beast_peer.cpp)
  target_include_directories(gw_fuzz_peers SYSTEM PRIVATE ${BEAST_INCLUDE_DIR})
  target_link_libraries(gw_fuzz_peers PUBLIC gw_http PRIVATE gw_llhttp)
else()
  message(WARNING "node-llhttp or libboost-dev is missing: the HTTP parsers are not compared with others")
endif()

if(GATEWHY_FUZZ)
  # The code under test needs the instrumentation, not just the target. Other
  # programs of this build link the same libraries, so they get the runtime.
  foreach(library IN ITEMS gw_diagnostics gw_config gw_http gw_h2 gw_loop gw_net gw_origin gw_exchange gw_worker gw_daemon)
    target_compile_options(${library} PRIVATE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    target_link_options(${library} PUBLIC -fsanitize=address,undefined)
  endforeach()
  add_custom_target(fuzz_targets)
endif()

function(gatewhy_fuzz name)
  if(GATEWHY_FUZZ)
    add_executable(fuzz_${name} fuzz/${name}_fuzz.cpp)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
    target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
    add_dependencies(fuzz_targets fuzz_${name})
  else()
    add_executable(replay_${name} fuzz/${name}_fuzz.cpp fuzz/replay_main.cpp)
    target_link_libraries(replay_${name} PRIVATE ${ARGN})
    add_test(NAME fuzz_replay_${name} COMMAND replay_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
    set_tests_properties(fuzz_replay_${name} PROPERTIES TIMEOUT 120)
  endif()
endfunction()

if(TARGET gw_fuzz_peers)
  gatewhy_fuzz(request_head gw_fuzz_peers)
  gatewhy_fuzz(response_head gw_fuzz_peers)
  gatewhy_fuzz(chunked_body gw_fuzz_peers)
endif()
gatewhy_fuzz(h2_server_session gw_h2)
gatewhy_fuzz(h2_origin_session gw_h2)
gatewhy_fuzz(path_readings gw_exchange)
gatewhy_fuzz(proxy_protocol gw_net)
gatewhy_fuzz(admin_request gw_daemon)
gatewhy_fuzz(yaml gw_config)
gatewhy_fuzz(event_escape gw_diagnostics nlohmann_json::nlohmann_json)
gatewhy_fuzz(proxy_status gw_diagnostics)
