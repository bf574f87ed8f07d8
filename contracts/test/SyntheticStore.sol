// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title  A store of any size that keeps nothing: entries are computed from their index.
/// @notice For tests and benchmarks with millions of keys. Slot 0 holds the number of keys, set
///         from outside. Keys, values (150 bytes) and version ids are distinct up to 10^10.
contract SyntheticStore {
    uint256 private total;

    function getTotalKeys() external view returns (uint256) {
        return total;
    }

    /// Writes the ABI encoding straight to memory, so that the node's own work is what costs:
    /// each array is its length, then an offset for each item, then the items.
    function getPaginatedKeyValues(
        uint256 startIndex,
        uint256 count
    ) external view returns (string[] memory, string[] memory, string[] memory) {
        assembly {
            // The ten decimal digits of an index, in the low ten bytes.
            function decimal(index) -> digits {
                for { let shift := 0 } lt(shift, 80) { shift := add(shift, 8) } {
                    digits := or(digits, shl(shift, add(0x30, mod(index, 10))))
                    index := div(index, 10)
                }
            }

            // The next number, in digits: add one, then carry from each digit that became ':'.
            function increment(digits) -> next {
                next := add(digits, 1)
                for { let shift := 0 } eq(and(shr(shift, next), 0xff), 0x3a) {} {
                    next := sub(next, shl(shift, 0x0a))
                    shift := add(shift, 8)
                    next := add(next, shl(shift, 1))
                }
            }

            let available := 0
            if lt(startIndex, sload(0)) {
                available := sub(sload(0), startIndex)
            }
            if gt(count, available) {
                count := available
            }

            let keys := 0x60
            let values := add(keys, add(0x20, mul(count, 0x60)))
            let versions := add(values, add(0x20, mul(count, 0xe0)))
            mstore(0x00, keys)
            mstore(0x20, values)
            mstore(0x40, versions)
            mstore(keys, count)
            mstore(values, count)
            mstore(versions, count)

            let digits := decimal(startIndex)
            let offsets := mul(count, 0x20)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                let slot := add(0x20, mul(i, 0x20))

                let offset := add(offsets, mul(i, 0x40))
                mstore(add(keys, slot), offset)
                let item := add(keys, add(0x20, offset))
                mstore(item, 23)
                mstore(add(item, 0x20), or("user_profile_", shl(72, digits)))

                mstore(add(versions, slot), offset)
                item := add(versions, add(0x20, offset))
                mstore(item, 15)
                mstore(add(item, 0x20), or("v1.0.", shl(136, digits)))

                offset := add(offsets, mul(i, 0xc0))
                mstore(add(values, slot), offset)
                item := add(values, add(0x20, offset))
                mstore(item, 150)
                mstore(
                    add(item, 0x20),
                    or(
                        '{"id":"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00","plan":"pro",',
                        shl(120, digits)
                    )
                )
                mstore(
                    add(item, 0x40),
                    or(
                        '"email":"u\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00@example.org',
                        shl(96, digits)
                    )
                )
                mstore(add(item, 0x60), '","created_at":"2024-01-15T10:30')
                mstore(add(item, 0x80), ':00Z","bucket":"backups-eu-west-')
                mstore(add(item, 0xa0), '1","quota_bytes":1500}')

                digits := increment(digits)
            }
            return(0x00, add(versions, add(0x20, mul(count, 0x60))))
        }
    }
}
