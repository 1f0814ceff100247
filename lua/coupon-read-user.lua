-- The coupons of a user in all campaigns of a partition.
-- Invariant: writes nothing; everything is of one instant.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      2  user id
--      3  offset that must be applied at least
-- Returns {state} unless HELD (FenceState), BEHIND if less is applied, else
--         {HELD, then id, state (49 bytes) and coupons (27 bytes each) of each campaign of which the user holds any}
-- Writes  nothing

--- include fence.lua
--- include holdings.lua

local log, user, applied_min = ARGV[1], ARGV[2], tonumber(ARGV[3])

local state, applied = look(log)
if state ~= HELD then
  return { state }
end
if applied < applied_min then
  return { BEHIND }
end

hash_by(log)
local found = call('HGETALL', campaigns)
local ids, states, numbers = {}, {}, {}
for i = 1, #found, 2 do
  if found[i] ~= '' then
    local n = #ids + 1
    ids[n], states[n], numbers[n] = found[i], found[i + 1], sub(found[i + 1], 3, 4)
  end
end

local key = char(#user) .. user
local answer = { HELD }
for from = 1, #numbers, CHUNK do
  local to = math.min(from + CHUNK - 1, #numbers)
  local roots = call('HMGET', holdings, unpack(numbers, from, to))
  local fields = {}
  for i = from, to do
    fields[i - from + 1] = stored_root_field(numbers[i], roots[i - from + 1], key)
  end
  local buckets = call('HMGET', holdings, unpack(fields))
  for i = from, to do
    local at = i - from + 1
    local coupons = read_coupons(fields[at], buckets[at], key)
    if coupons then
      local n = #answer
      answer[n + 1], answer[n + 2], answer[n + 3] = ids[i], states[i], coupons
    end
  end
end
return answer
