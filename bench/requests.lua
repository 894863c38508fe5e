-- Requests with random values for wrk. Arguments: method, path, body ("-" for none), accounts, header lines.
-- {account}, {amount}, {status}, {moment} and {number} in path and body become random values.
local threads = 0
function setup(thread)
   threads = threads + 1
   thread:set("seed", os.time() * 16 + threads)
end

local statuses = { "new", "paid", "sent", "back" }
local accounts
local values = {
   account = function() return tostring(math.random(1, accounts)) end,
   amount = function() return string.format("%.2f", math.random() * 1000) end,
   status = function() return statuses[math.random(1, 4)] end,
   moment = function() return os.date("!%Y-%m-%dT%H:%M:%SZ", math.random(1577836800, 1735689599)) end,
   number = function() return string.format("%08x%08x", math.random(0, 2 ^ 31), math.random(0, 2 ^ 31)) end,
}
local function filled(text) return (text:gsub("{(%a+)}", function(name) return values[name]() end)) end

local method, path, body
local headers = {}
function init(args)
   math.randomseed(seed)
   method, path = args[1], args[2]
   body = args[3] ~= "-" and args[3] or nil
   accounts = tonumber(args[4])
   for i = 5, #args do
      local name, value = args[i]:match("^([^:]+): (.*)$")
      headers[name] = value
   end
end

function request()
   return wrk.format(method, filled(path), headers, body and filled(body))
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"seconds":%.6f,"failed":%d,"p50":%.3f,"p99":%.3f}\n',
      summary.requests, summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
