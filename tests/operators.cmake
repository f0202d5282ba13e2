# SPDX-License-Identifier: Apache-2.0
# What operators are given beside the daemon.
# Prometheus judges the alerting and recording rules, with series of their own.
find_program(PROMTOOL promtool)
if(PROMTOOL)
  foreach(verb IN ITEMS check test)
    foreach(rules IN ITEMS alerts rules)
      set(file ${rules}$<$<STREQUAL:${verb},test>:_test>.yaml)
      add_test(NAME prometheus_${rules}_${verb}
               COMMAND ${PROMTOOL} ${verb} rules ${CMAKE_SOURCE_DIR}/docs/monitoring/${file})
    endforeach()
  endforeach()
else()
  message(WARNING "promtool is missing: the alerting rules are not tested")
endif()

add_test(NAME deployment_documents COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/deployment_docs_test.sh ${CMAKE_SOURCE_DIR} $<TARGET_FILE:gatewhy>)

# GoAccess and fail2ban on real logs.
add_test(NAME log_formats COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/log_formats_test.py ${CMAKE_SOURCE_DIR} $<TARGET_FILE:gatewhy>)
set_tests_properties(log_formats PROPERTIES TIMEOUT 180)

# The documented example of a whole site, with curl and Node's ws as its visitors.
find_program(NODE NAMES node nodejs)
if(NODE AND EXISTS /usr/share/nodejs/ws)
  add_test(NAME typical_site COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/typical_site_test.py ${CMAKE_SOURCE_DIR}
                                     $<TARGET_FILE:gatewhy> ${NODE})
  set_tests_properties(typical_site PROPERTIES TIMEOUT 180)
else()
  message(WARNING "node-ws is missing: the example of a typical site is not tried")
endif()

# certbot and lego against an authority for tests.
find_program(PEBBLE pebble)
find_program(CERTBOT certbot)
find_program(LEGO lego)
if(PEBBLE AND CERTBOT AND LEGO)
  add_test(NAME acme COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/acme_test.sh ${CMAKE_SOURCE_DIR} $<TARGET_FILE:gatewhy>)
  set_tests_properties(acme PROPERTIES TIMEOUT 600)
else()
  message(WARNING "pebble, certbot or lego is missing: renewal of certificates is not tried with them")
endif()

# Spellings of paths: what servers make of them, and that none passes a rule.
find_program(NGINX nginx PATHS /usr/sbin)
find_program(APACHE apache2 PATHS /usr/sbin)
find_program(PYTHON3 python3)
if(NGINX AND APACHE AND PYTHON3)
  add_test(NAME spellings COMMAND ${PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/spellings_test.py ${CMAKE_SOURCE_DIR}
                                  $<TARGET_FILE:gatewhy> ${NGINX} ${APACHE})
  set_tests_properties(spellings PROPERTIES TIMEOUT 120)
else()
  message(WARNING "nginx or apache2 is missing: spellings of paths are not tried on them")
endif()

# What `make test-deps` installs from the npm registry.
set(NODE_MODULES ${CMAKE_CURRENT_SOURCE_DIR}/npm/node_modules)
if(NODE AND EXISTS ${NODE_MODULES}/kubernetes-models)
  add_test(NAME kubernetes_manifests
           COMMAND ${NODE} ${CMAKE_CURRENT_SOURCE_DIR}/kubernetes_manifests_test.js ${CMAKE_SOURCE_DIR})
  set_tests_properties(kubernetes_manifests PROPERTIES ENVIRONMENT NODE_PATH=${NODE_MODULES})
else()
  message(WARNING "tests/npm is not installed (make test-deps): the Kubernetes manifests are not validated")
endif()
