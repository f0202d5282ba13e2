-- SPDX-License-Identifier: Apache-2.0
-- As wrk_report.lua, but request number n goes to host h<n % hosts>.test and
-- path /r<n % routes>/1k. Arguments: hosts, routes.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "wrk_report.lua")

local prepared, count, at = {}, 0, 0

init = function(args)
  local hosts, routes = tonumber(args[1]), tonumber(args[2])
  count = math.max(hosts, routes)
  for n = 0, count - 1 do
    local path = routes > 1 and string.format("/r%d%s", n % routes, wrk.path) or wrk.path
    prepared[n] = wrk.format("GET", path, {["Host"] = string.format("h%d.test", n % hosts)})
  end
end

request = function()
  at = at + 1
  return prepared[at % count]
end
