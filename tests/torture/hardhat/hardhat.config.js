// SPDX-License-Identifier: Apache-2.0
module.exports = {
    solidity: '0.8.30', // nothing is compiled with it, but it wants one named
    networks: { hardhat: { hardfork: 'prague', blockGasLimit: 2_000_000_000 } }, // osaka caps a transaction
};
