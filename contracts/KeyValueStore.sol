// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title  A key-value store whose entries can be read page by page.
/// @notice Keys, values and version ids are any bytes, empty ones too. The newest value of a key
///         is what the pages show; older ones stay readable by their version id.
contract KeyValueStore {
    struct Entry {
        string key;
        string value;
        string versionId;
    }

    struct OldValue {
        string value;
        bool exists;
    }

    /// In the order of creation, which never changes, so that a page is a plain slice.
    Entry[] private entries;

    /// Index in `entries` plus one; 0 means that there is no such key.
    mapping(string key => uint256) private positions;

    /// Written by edits only, so that creating an entry does not pay for it.
    mapping(string key => mapping(string versionId => OldValue)) private history;

    address public owner;
    address public operator;

    event KeyValueCreated(string key, string value, string versionId);
    event KeyValueEdited(string key, string newValue, string newVersionId);
    event OperatorChanged(address indexed previousOperator, address indexed newOperator);
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    modifier onlyOwner() {
        require(msg.sender == owner, "caller is not the owner");
        _;
    }

    modifier onlyWriter() {
        require(
            msg.sender == operator || msg.sender == owner,
            "caller is not the operator or the owner"
        );
        _;
    }

    constructor() {
        owner = msg.sender;
        operator = msg.sender;
        emit OwnershipTransferred(address(0), msg.sender);
        emit OperatorChanged(address(0), msg.sender);
    }

    function createKeyValue(
        string calldata key,
        string calldata value,
        string calldata versionId
    ) external onlyWriter {
        require(positions[key] == 0, "key exists");
        Entry storage entry = entries.push();
        entry.key = key;
        entry.value = value;
        entry.versionId = versionId;
        positions[key] = entries.length;
        emit KeyValueCreated(key, value, versionId);
    }

    function editKeyValue(
        string calldata key,
        string calldata newValue,
        string calldata newVersionId
    ) external onlyWriter {
        uint256 position = positions[key];
        require(position != 0, "key does not exist");
        Entry storage entry = entries[position - 1];
        mapping(string => OldValue) storage old = history[key];
        require(
            !equal(entry.versionId, newVersionId) && !old[newVersionId].exists,
            "version exists"
        );
        old[entry.versionId] = OldValue(entry.value, true);
        entry.value = newValue;
        entry.versionId = newVersionId;
        emit KeyValueEdited(key, newValue, newVersionId);
    }

    /// An operator of address 0 leaves the owner as the only writer.
    function setOperator(address newOperator) external onlyOwner {
        emit OperatorChanged(operator, newOperator);
        operator = newOperator;
    }

    function transferOwnership(address newOwner) external onlyOwner {
        require(newOwner != address(0), "new owner is the zero address");
        emit OwnershipTransferred(owner, newOwner);
        owner = newOwner;
    }

    function getTotalKeys() external view returns (uint256) {
        return entries.length;
    }

    /// Entries startIndex (from 0) to startIndex + count, as far as there are any.
    function getPaginatedKeyValues(
        uint256 startIndex,
        uint256 count
    )
        external
        view
        returns (string[] memory keys, string[] memory values, string[] memory versionIds)
    {
        uint256 total = entries.length;
        uint256 available = startIndex < total ? total - startIndex : 0;
        if (count > available) {
            count = available;
        }
        keys = new string[](count);
        values = new string[](count);
        versionIds = new string[](count);
        for (uint256 i = 0; i < count; i++) {
            Entry storage entry = entries[startIndex + i];
            keys[i] = entry.key;
            values[i] = entry.value;
            versionIds[i] = entry.versionId;
        }
    }

    function getKeyValueByVersion(
        string calldata key,
        string calldata versionId
    ) external view returns (string memory value, bool exists) {
        uint256 position = positions[key];
        if (position == 0) {
            return ("", false);
        }
        Entry storage entry = entries[position - 1];
        if (equal(entry.versionId, versionId)) {
            return (entry.value, true);
        }
        OldValue storage old = history[key][versionId];
        return (old.value, old.exists);
    }

    function equal(string memory a, string calldata b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
