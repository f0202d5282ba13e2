// SPDX-License-Identifier: Apache-2.0
#include "daemon/fleet/vantage.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "diagnostics/cause.h"

namespace gatewhy {
namespace {

constexpr std::uint64_t kFewestFailures = 2;
constexpr double kSmallestShare = 0.01;
constexpr double kExpectedFailures = 5;  // by chance none of so many is seen once in 150 times
constexpr double kAll = 0.99;

double shareOf(std::uint64_t failures, std::uint64_t exchanges) {
  return exchanges == 0 ? 0 : static_cast<double>(failures) / static_cast<double>(exchanges);
}

bool sees(const VantageCount& count) {
  return count.failures >= kFewestFailures && shareOf(count.failures, count.exchanges) >= kSmallestShare;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kShown));
  std::string out = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  return names.size() > kShown ? fmt::format("{} and {} more", out, names.size() - kShown) : out;
}

std::string percentage(double share) {
  return share >= kAll ? "all requests" : fmt::format("{:.{}f} % of the requests", share * 100, share < 0.1 ? 1 : 0);
}

// The only address that fails while others were connected to as well; null: there is none such.
const AddressCount* onlyAddress(const std::vector<AddressCount>& addresses) {
  const AddressCount* failing = nullptr;
  double elsewhere = 0;
  for (const AddressCount& each : addresses) {
    if (each.failures != 0) {
      if (failing != nullptr) {
        return nullptr;
      }
      failing = &each;
    } else {
      elsewhere += static_cast<double>(each.exchanges);
    }
  }
  return failing != nullptr && elsewhere * shareOf(failing->failures, failing->exchanges) >= kExpectedFailures
             ? failing
             : nullptr;
}

std::string wayWords(const VantageVerdict& verdict, double share) {
  const std::size_t of = verdict.seen_by.size() + verdict.not_by.size();
  return fmt::format("{} of {} gatewhys, {} of {}: the way from there", verdict.seen_by.size(), of, percentage(share),
                     listed(verdict.seen_by));
}

// "" where the way counts.
std::string_view thisSide(Blame blame) {
  switch (blame) {
    case Blame::Client:
      return "what clients do";
    case Blame::Proxy:
      return "gatewhy itself";
    case Blame::Operator:
    case Blame::Nobody:
      return "as configured";
    case Blame::Origin:
    case Blame::Network:
    case Blame::Dns:
    case Blame::Config:
      return "";
  }
  return "";
}

}  // namespace

VantageVerdict judgeVantage(const std::string& cause, const std::vector<VantageCount>& counts,
                            const std::vector<AddressCount>& addresses) {
  const auto known = causeByName(cause);
  const std::string_view here = known ? thisSide(info(*known).blame) : std::string_view();
  if (here.empty()) {
    return judgeVantage(counts, addresses);
  }
  VantageVerdict verdict{.vantage = Vantage::NoWay, .seen_by = {}, .not_by = {}, .address = {}, .words = {}};
  for (const VantageCount& count : counts) {
    if (count.failures != 0) {
      verdict.seen_by.push_back(count.instance);
    }
  }
  if (verdict.seen_by.empty()) {
    return judgeVantage(counts, addresses);
  }
  verdict.words = fmt::format("{} of {} gatewhys: {}", verdict.seen_by.size(), counts.size(), here);
  return verdict;
}

VantageVerdict judgeVantage(const std::vector<VantageCount>& counts, const std::vector<AddressCount>& addresses) {
  VantageVerdict verdict;
  std::uint64_t failures = 0;
  std::uint64_t exchanges = 0;
  std::uint64_t rare = 0;
  for (const VantageCount& count : counts) {
    if (sees(count)) {
      verdict.seen_by.push_back(count.instance);
      failures += count.failures;
      exchanges += count.exchanges;
    } else {
      rare += count.failures;
    }
  }
  if (verdict.seen_by.empty()) {
    verdict.vantage = rare == 0 ? Vantage::Nobody : Vantage::NotEnough;
    verdict.words = rare == 0 ? "nobody sees it" : "too few failures to tell";
    return verdict;
  }
  const double share = shareOf(failures, exchanges);
  std::size_t silent = 0;
  for (const VantageCount& count : counts) {
    if (sees(count)) {
      continue;
    }
    if (static_cast<double>(count.exchanges) * share >= kExpectedFailures) {
      verdict.not_by.push_back(count.instance);
    } else {
      ++silent;
    }
  }
  const std::size_t of = verdict.seen_by.size() + verdict.not_by.size();
  if (!verdict.not_by.empty()) {
    verdict.vantage = Vantage::WayFromThere;
    verdict.words = wayWords(verdict, share);
  } else if (const AddressCount* address = onlyAddress(addresses)) {
    verdict.vantage = Vantage::OneAddress;
    verdict.address = address->address;
    verdict.words = fmt::format("{} of {} gatewhys, but only to one address, {}", of, of, address->address);
  } else if (of == 1) {
    verdict.vantage = Vantage::NotEnough;
    verdict.words = silent == 0
                        ? fmt::format("only {} sends it requests: not enough traffic to tell", verdict.seen_by[0])
                        : fmt::format("seen by {}; not enough traffic elsewhere to tell", verdict.seen_by[0]);
  } else {
    verdict.vantage = Vantage::Origin;
    verdict.words = fmt::format("{} of {} gatewhys: the origin", of, of);
  }
  return verdict;
}

}  // namespace gatewhy
