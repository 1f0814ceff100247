-- Shared piece of every script: the keys of a partition, and the look at them that precedes everything else.
--
-- KEYS, the same in every script; all are hashes under one hash tag, none is ever empty (field '' keeps it), none expires:
--   1 meta          log (16 bytes), applied (offset), record (8 bytes: its id), commands (count), told (offset),
--                   token (number), nonce (8 bytes), torn ('0' or '1')
--   2 campaigns     campaign id -> its state (49 bytes, as in the events)
--   3 descriptions  campaign id -> name and discount as JSON
--   4 changes       campaign id -> its settings by address: offset u48, index u16, perUser u16, opens u48, closes u48, closed u8
--   5 holdings      the coupons of all users, each sequence u32, offset u48, index u16, claim id 8 bytes, instant u48, state u8 (holdings.lua)
--   6 recent        offset of a command record not known to be told -> its outcomes
-- All integers are big-endian; instants are Unix milliseconds.

-- FenceState
local HELD = 0
local TAKEN_OVER = 1
local BEHIND = 2
local AHEAD = 3
local MISSING = 4
local TORN = 5
local OTHER_LOG = 6
local OTHER_RECORD = 7

local meta, campaigns, descriptions, changes, holdings, recent = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local call, pack, unpack_struct = redis.call, struct.pack, struct.unpack

-- What one call takes without nearing Lua's bound of 8,000 values on the stack.
local CHUNK = 1000
local COUPON_SIZE = 27
local CHANGE_SIZE = 23

-- Returns MISSING, OTHER_LOG or TORN, or else HELD with applied, record, commands, told, token number and nonce.
local function look(log)
  if call('EXISTS', unpack(KEYS)) ~= #KEYS then
    return MISSING
  end
  local found = call('HMGET', meta, 'log', 'torn', 'applied', 'record', 'commands', 'told', 'token', 'nonce')
  if found[1] ~= log then
    return found[1] and OTHER_LOG or MISSING
  end
  if found[2] ~= '0' then
    return TORN
  end
  return HELD, tonumber(found[3]), found[4], tonumber(found[5]), tonumber(found[6]), tonumber(found[7]), found[8]
end
