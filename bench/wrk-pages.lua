-- SPDX-License-Identifier: Apache-2.0
--
-- Makes wrk fetch the pages of a contract over and over, all at one block:
--
--   wrk -t1 -c10 -d4s -s bench/wrk-pages.lua URL -- ADDRESS BLOCK_HASH PAGE_SIZE TOTAL_KEYS
--
-- The last line it prints is one JSON object. An answer that is no page counts as an error.

local SELECTOR = "1fb57cbc" -- getPaginatedKeyValues(uint256,uint256)
local SHORTEST_PAGE = 300 -- bytes: three empty arrays in hex are more

local bodies = {}
local next_body = 0
errors = 0 -- global: read from done() through the thread

function init(args)
    local address, block_hash = args[1], args[2]
    local page_size, total_keys = tonumber(args[3]), tonumber(args[4])
    for start = 0, total_keys - 1, page_size do
        bodies[#bodies + 1] = string.format(
            '{"jsonrpc":"2.0","id":%d,"method":"eth_call","params":['
                .. '{"to":"%s","data":"0x%s%064x%064x"},'
                .. '{"blockHash":"%s","requireCanonical":true}]}',
            #bodies + 1, address, SELECTOR, start, page_size, block_hash)
    end
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
end

function request()
    next_body = next_body % #bodies + 1
    return wrk.format(nil, "/", nil, bodies[next_body])
end

function response(status, _, body)
    local is_page = status == 200 and #body >= SHORTEST_PAGE
        and string.find(string.sub(body, 1, 100), '"result":"0x', 1, true)
    if not is_page then
        errors = errors + 1
    end
end

local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
end

function done(summary, latency)
    local failed = summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.status + summary.errors.timeout
    for _, thread in ipairs(threads) do
        failed = failed + thread:get("errors")
    end
    io.write(string.format('{"pages":%d,"seconds":%.6f,"errors":%d,"mean_ms":%.3f}\n',
        summary.requests, summary.duration / 1e6, failed, latency.mean / 1e3))
end
