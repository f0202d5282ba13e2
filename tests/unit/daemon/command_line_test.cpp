// SPDX-License-Identifier: Apache-2.0
// What the command line prints; its subcommands' own work is tested elsewhere.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/commands/cli.h"
#include "diagnostics/cause.h"
#include "diagnostics/explain_word.h"

namespace gatewhy {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
};

int call(std::vector<std::string> words) {
  words.insert(words.begin(), "gatewhy");
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  return runCommandLine(static_cast<int>(argv.size()), argv.data());
}

Ran run(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.status = call(words);
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

std::vector<std::string> subcommands() {
  std::istringstream help(run({"--help"}).out);
  std::vector<std::string> names;
  bool listing = false;
  const std::regex row("^  ([a-z]+) ");
  for (std::string line; std::getline(help, line);) {
    std::smatch match;
    if (listing && std::regex_search(line, match, row)) {
      names.push_back(match[1]);
    }
    listing = listing || line == "Commands:";
  }
  return names;
}

TEST(CommandLineTest, TheManualHasEverySubcommand) {
  std::ifstream file(GATEWHY_SOURCE_DIR "/docs/man/gatewhy.1", std::ios::binary);
  const std::string manual{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto names = subcommands();
  ASSERT_GE(names.size(), 5U);
  for (const std::string& name : names) {
    EXPECT_THAT(manual, HasSubstr("\n.TP\n.B " + name + "\n")) << "to be described in docs/man/gatewhy.1";
  }
}

TEST(CommandLineTest, ExplainsAWord) {
  for (const std::string word :
       {"499", "5xx", "tls_certificate_expired", "bad gateway", "401_without_www_authenticate"}) {
    const Ran text = run({"explain", word});
    EXPECT_EQ(text.status, 0);
    EXPECT_EQ(text.out, explainWord(word).value().text);
    const Ran parsed = run({"explain", "--json", word});
    EXPECT_EQ(parsed.status, 0);
    EXPECT_EQ(json::parse(parsed.out), json::parse(explainWord(word).value().json));
  }
  EXPECT_EQ(run({"explain", "bad", "gateway"}).out, explainWord("502").value().text) << "unquoted";
}

TEST(CommandLineTest, ExplainsEverythingWithoutAWord) {
  EXPECT_EQ(run({"explain"}).out, explainEverything().text);
  EXPECT_EQ(json::parse(run({"explain", "--json"}).out).at("causes").size(), allCauses().size());
}

TEST(CommandLineTest, NamesWhatIsNearestToAnUnknownWord) {
  const Ran text = run({"explain", "52"});
  EXPECT_EQ(text.status, 1);
  EXPECT_EQ(text.out, "");
  EXPECT_THAT(text.err, HasSubstr("'52' is not a known status code, cause, finding or log word; nearest: 520, 521"));
  const Ran parsed = run({"explain", "52", "--json"});
  EXPECT_EQ(parsed.status, 1);
  EXPECT_EQ(json::parse(parsed.out).at("nearest").front(), "520");
  EXPECT_EQ(run({"explain", "\xff\xfe", "--json"}).status, 1) << "no exception for what is not UTF-8";
}

// ---- words that are not commands ------------------------------------------

TEST(CommandLineTest, WrongWordsGetOneLine) {
  const auto says = [](const std::vector<std::string>& words) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, 64);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    return ran.err;
  };
  EXPECT_THAT(says({}), testing::MatchesRegex("gatewhy: which command. run, check, .*`gatewhy help` describes them\n"));
  EXPECT_EQ(says({"hlep"}), "gatewhy: 'hlep' is not a command; did you mean 'help'?\n");
  EXPECT_EQ(says({"chekc", "-c", "x"}), "gatewhy: 'chekc' is not a command; did you mean 'check'?\n");
  EXPECT_EQ(says({"frobnicate"}), "gatewhy: 'frobnicate' is not a command; `gatewhy help` lists them\n");
  EXPECT_EQ(says({"explain", "--jsn"}),
            "gatewhy explain: '--jsn' is not an option; did you mean '--json'? (`gatewhy explain --help` lists "
            "its options)\n");
  EXPECT_THAT(says({"probe"}), HasSubstr("gatewhy probe: URL is required (`gatewhy probe --help` lists its options)"));
  EXPECT_THAT(says({"--verison"}), HasSubstr("did you mean '--version'?"));
  EXPECT_EQ(says({"help", "chek"}), "gatewhy: 'chek' is not a command; did you mean 'check'?\n");
}

TEST(CommandLineTest, HelpAndVersionAreCommandsToo) {
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  EXPECT_EQ(run({"version"}).out, run({"--version"}).out);
  EXPECT_EQ(run({"help", "probe"}).out, run({"probe", "--help"}).out);
  EXPECT_EQ(run({"help"}).status, 0);
}

std::string temporaryFile(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/" + std::to_string(::getpid()) + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(CommandLineTest, CheckTakesAFileAndSaysWhatItFound) {
  const std::string good = temporaryFile(
      "good.yaml", "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n");
  EXPECT_EQ(run({"check", good}).out, "ok: 1 listener, 1 origin, 1 route\n");
  EXPECT_EQ(run({"check", good}).status, 0);
  EXPECT_EQ(run({"check", "-c", good}).out, run({"check", good}).out);
  EXPECT_EQ(run({"check", "--strict", good}).status, 0);
  EXPECT_EQ(run({"check", "--json", good}).out, "[]\n");

  const std::string odd =
      temporaryFile("odd.yaml",
                    "listeners: [{address: \"127.0.0.1:0\"}]\norigins: {a: {endpoints: [\"http://127.0.0.1:1\"]}}\n"
                    "limits: {client_idle_timeout: 0}\n");
  const Ran warned = run({"check", odd});
  EXPECT_EQ(warned.status, 0);
  EXPECT_THAT(warned.out, testing::AllOf(HasSubstr(": warning: "), HasSubstr("\nok: ")));
  const Ran strict = run({"check", "--strict", odd});
  EXPECT_EQ(strict.status, 1);
  EXPECT_THAT(strict.out, testing::AllOf(HasSubstr(": error: "), testing::Not(HasSubstr("ok: "))));
  EXPECT_EQ(run({"run", temporaryFile("bad.yaml", "nothing: 1\n")}).status, 78) << "run FILE needs no -c either";
}

TEST(CommandLineTest, HealthAsksTheAdminListener) {
  const Ran ran = run({"health", "--admin", "unix:/nonexistent/gatewhy.sock"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("unix:/nonexistent/gatewhy.sock"));
}

// A terminal in the place of standard output while the object lives.
class Terminal {
 public:
  Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)), saved_(::dup(STDOUT_FILENO)) {
    EXPECT_EQ(::grantpt(master_), 0);
    EXPECT_EQ(::unlockpt(master_), 0);
    const int terminal = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    std::cout.flush();
    ::dup2(terminal, STDOUT_FILENO);
    ::close(terminal);
  }
  ~Terminal() {
    std::cout.flush();
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
    ::close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  // The first bytes that came out.
  std::string read() {
    std::cout.flush();
    pollfd item{.fd = master_, .events = POLLIN, .revents = 0};
    ::poll(&item, 1, 20000);
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(master_, buffer.data(), buffer.size());
    return {buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  }

 private:
  int master_;
  int saved_;
};

TEST(CommandLineTest, ColourIsForTerminalsThatWantIt) {
  ::setenv("TERM", "xterm", 1);
  const auto first = [](const char* no_colour) {
    no_colour == nullptr ? ::unsetenv("NO_COLOR") : ::setenv("NO_COLOR", no_colour, 1);
    Terminal terminal;
    EXPECT_EQ(call({"explain", "no_route"}), 0);
    return terminal.read();
  };
  EXPECT_THAT(first(nullptr), HasSubstr("\x1b[1mno_route"));
  EXPECT_THAT(first(""), HasSubstr("\x1b[1mno_route"));
  EXPECT_EQ(first("1").find('\x1b'), std::string::npos);
  ::setenv("TERM", "dumb", 1);
  EXPECT_EQ(first(nullptr).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace gatewhy
