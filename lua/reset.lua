-- Begins the rebuild of a partition: replaces what is left of a missing or torn state by the empty state after the genesis record.
-- Invariant: a whole state is never deleted, and neither is a torn one of another log.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      2  id of the genesis record, 8 bytes
--      3  token number of the owner
--      4  nonce of the owner, 8 bytes
-- Returns HELD if it is done, TAKEN_OVER if the state is whole, OTHER_LOG if it is of another log (FenceState)
-- Writes  deletes and creates every key

--- include fence.lua

local log, genesis, token, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local state = look(log)
if state == HELD then
  return TAKEN_OVER
end
if state == OTHER_LOG then
  return OTHER_LOG
end

call('DEL', unpack(KEYS))
call('HSET', meta, '', '', 'torn', '1', 'log', log)
for i = 2, #KEYS do
  call('HSET', KEYS[i], '', '')
end
call('HSET', meta, 'applied', '0', 'record', genesis, 'commands', '0', 'told', '0', 'token', token, 'nonce', nonce, 'torn', '0')
return HELD
