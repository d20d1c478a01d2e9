// ap_int.h for a scheduler's look at the processes: integers of exactly BITS bits, as LLVM's iN, whose operations keep
// every bit as the vendor's do. No check is made here; C simulation has another header for that.

#ifndef REPVGG_TEST_SCHEDULER_AP_INT_H
#define REPVGG_TEST_SCHEDULER_AP_INT_H

#include <stdint.h>

template <int BITS, bool SIGNED>
struct Raw {
  typedef unsigned _BitInt(BITS) type;
};
template <int BITS>
struct Raw<BITS, true> {
  typedef signed _BitInt(BITS < 2 ? 2 : BITS) type;
};

constexpr int wider(int a, int b) { return a > b ? a : b; }

template <int BITS, bool SIGNED>
struct Number;

template <int BITS, bool SIGNED>
struct Slice {
  Number<BITS, SIGNED> &of;
  int high, low;
  template <int B, bool S>
  Slice &operator=(const Number<B, S> &x);
  Slice &operator=(const Slice &x);
};

template <int BITS, bool SIGNED>
struct Number {
  typedef typename Raw<BITS, SIGNED>::type Type;
  Type v;
  Number() = default;
  template <typename I>
  constexpr Number(I x) : v(static_cast<Type>(x)) {}
  template <int B, bool S>
  constexpr Number(const Number<B, S> &x) : v(static_cast<Type>(x.v)) {}
  template <int B, bool S>
  Number(const Slice<B, S> &x) : v(static_cast<Type>(static_cast<typename Raw<B, false>::type>(x.of.v) >> x.low)) {
    const int width = x.high - x.low + 1;
    if (width < BITS) v &= (Type(1) << width) - 1;
  }
  Slice<BITS, SIGNED> range(int high, int low) { return {*this, high, low}; }
  Slice<BITS, SIGNED> range(int high, int low) const { return {const_cast<Number &>(*this), high, low}; }
  int to_int() const { return static_cast<int>(v); }
  Number operator~() const { return Number(static_cast<Type>(~v)); }
  template <typename X>
  Number &operator+=(const X &x) {
    return *this = *this + x;
  }
  template <typename X>
  Number &operator-=(const X &x) {
    return *this = *this - x;
  }
  Number &operator++() { return *this += 1; }
  Number &operator--() { return *this -= 1; }
};

template <int BITS, bool SIGNED>
template <int B, bool S>
Slice<BITS, SIGNED> &Slice<BITS, SIGNED>::operator=(const Number<B, S> &x) {
  typedef typename Raw<BITS, false>::type U;
  const int width = high - low + 1;
  const U ones = width >= BITS ? ~U(0) : (U(1) << width) - 1;
  of.v = static_cast<typename Raw<BITS, SIGNED>::type>((static_cast<U>(of.v) & ~(ones << low)) |
                                                       ((static_cast<U>(x.v) & ones) << low));
  return *this;
}

template <int BITS>
using ap_int = Number<BITS, true>;
template <int BITS>
using ap_uint = Number<BITS, false>;

// Each operator among two numbers, and among a number and a built-in integer of 32 bits.
#define REPVGG_BINARY(op, RESULT, SIGN)                                              \
  template <int A, bool SA, int B, bool SB>                                          \
  Number<RESULT, SIGN> operator op(const Number<A, SA> &a, const Number<B, SB> &b) { \
    typedef Number<RESULT, SIGN> R;                                                  \
    return R(static_cast<typename R::Type>(R(a).v op R(b).v));                       \
  }                                                                                  \
  template <int A, bool SA>                                                          \
  auto operator op(const Number<A, SA> &a, int b) {                                  \
    return a op Number<32, true>(b);                                                 \
  }                                                                                  \
  template <int B, bool SB>                                                          \
  auto operator op(int a, const Number<B, SB> &b) {                                  \
    return Number<32, true>(a) op b;                                                 \
  }
REPVGG_BINARY(+, wider(A, B) + 2, true)
REPVGG_BINARY(-, wider(A, B) + 2, true)
REPVGG_BINARY(*, A + B, SA || SB)
REPVGG_BINARY(&, wider(A, B), SA && SB)

#define REPVGG_COMPARE(op)                                                      \
  template <int A, bool SA, int B, bool SB>                                     \
  bool operator op(const Number<A, SA> &a, const Number<B, SB> &b) {            \
    typedef Number<wider(A, B) + 1, true> R;                                    \
    return R(a).v op R(b).v;                                                    \
  }                                                                             \
  template <int A, bool SA>                                                     \
  bool operator op(const Number<A, SA> &a, int b) {                             \
    return a op Number<32, true>(b);                                            \
  }
REPVGG_COMPARE(<)
REPVGG_COMPARE(>)
REPVGG_COMPARE(<=)
REPVGG_COMPARE(>=)
REPVGG_COMPARE(==)
REPVGG_COMPARE(!=)

template <int A, bool SA>
Number<A, SA> operator<<(const Number<A, SA> &a, int n) {
  return Number<A, SA>(static_cast<typename Number<A, SA>::Type>(a.v << n));
}
template <int A, bool SA>
Number<A, SA> operator>>(const Number<A, SA> &a, int n) {
  return Number<A, SA>(static_cast<typename Number<A, SA>::Type>(a.v >> n));
}
template <int A, bool SA>
Number<A, SA> operator&(const Number<A, SA> &a, uint64_t b) {
  return Number<A, SA>(static_cast<typename Number<A, SA>::Type>(a.v & b));
}

#endif
