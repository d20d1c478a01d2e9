// SPDX-License-Identifier: Apache-2.0
// One table of constants as a translation unit of its own, for C simulation: TABLE is its name, FILE the file that
// holds its numbers, quoted. APART_<TABLE> declares it in constants.hpp, which states its type.

#include "../src/constants.hpp"

const decltype(TABLE) TABLE = {
#include FILE
};
