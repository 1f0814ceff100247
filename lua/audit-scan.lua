-- Goes through all users of a coupon partition that hold coupons, for an audit.
-- Invariant: writes nothing. Every user who is there from the first call to the last is returned at least once, as entries never move.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      2  cursor of the call before, 0 at first
-- Returns {state} unless HELD (FenceState), else {HELD, cursor (0: that was the end), then field (campaign number u16, user id) and coupons (27 bytes each) of some users}
-- Writes  nothing

--- include fence.lua
--- include holdings.lua

-- Buckets of up to a dozen users.
local BUCKETS = 200

local log, cursor = ARGV[1], ARGV[2]

local state = look(log)
if state ~= HELD then
  return { state }
end

local found = call('HSCAN', holdings, cursor, 'COUNT', BUCKETS)
local answer, n = { HELD, found[1] }, 2
for i = 1, #found[2], 2 do
  local field, bucket = found[2][i], found[2][i + 1]
  -- Shorter fields hold no users.
  local at = #field >= 6 and 1 or #bucket + 1
  while at <= #bucket do
    local length = byte(bucket, at)
    local count, first = unpack_struct('>I2', bucket, at + 1 + length)
    answer[n + 1] = sub(field, 1, 2) .. sub(bucket, at + 1, at + length)
    at = first + COUPON_SIZE * count
    answer[n + 2] = sub(bucket, first, at - 1)
    n = n + 2
  end
end
return answer
