// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "config/account.h"
#include "config/certificate_file.h"
#include "config/check.h"
#include "config/secrets_file.h"

namespace gatewhy {
namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

std::string directoryOf(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  return slash == 0 ? "/" : file.substr(0, slash);
}

// Complains at `path` about every certificate of the file that is out of date.
void checkDates(const std::vector<X509Ptr>& certificates, const std::string& file, const std::string& path,
                CheckReport& report) {
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    const std::string complaint = validityComplaint(*certificates[i]);
    if (!complaint.empty()) {
      const std::string which = certificates.size() == 1 ? "the certificate" : fmt::format("certificate {}", i + 1);
      report.warning(path, fmt::format("{} in '{}' {}", which, file, complaint));
    }
  }
}

void checkKeyMode(const std::string& file, const std::string& path, CheckReport& report) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IRWXO) != 0) {
    report.warning(path, fmt::format("every user of this machine has access to the private key '{}' (mode {:04o})",
                                     file, status.st_mode & 07777U));
  }
}

// `section` is the path of the map that holds the keys "certificate" and "key".
void checkPair(const std::string& certificate, const std::string& key, const std::string& section,
               CheckReport& report) {
  if (certificate.empty() || key.empty()) {
    return;  // reported while reading, or not asked for
  }
  const auto certificates = readCertificates(certificate);
  if (certificates) {
    checkDates(*certificates, certificate, section + ".certificate", report);
  } else {
    report.error(section + ".certificate", certificates.error());
  }
  const auto private_key = readPrivateKey(key);
  if (private_key) {
    checkKeyMode(key, section + ".key", report);
  } else {
    report.error(section + ".key", private_key.error());
  }
  if (certificates && private_key && X509_check_private_key(certificates->front().get(), private_key->get()) != 1) {
    ERR_clear_error();
    report.error(section + ".key",
                 fmt::format("the key '{}' does not belong to the certificate '{}'", key, certificate));
  }
}

void checkAuthorities(const std::string& file, const std::string& path, CheckReport& report) {
  if (file.empty()) {
    return;
  }
  const auto certificates = readCertificates(file);
  if (certificates) {
    checkDates(*certificates, file, path, report);
  } else {
    report.error(path, certificates.error());
  }
}

// Which lists there are, and of which authority in `ca_file` there is none: the
// certificate of a peer (of `whom`) is refused then, another one is not looked up.
void checkRevocationLists(const std::string& file, const std::string& ca_file, std::string_view whom,
                          const std::string& path, CheckReport& report) {
  if (file.empty()) {
    return;
  }
  const auto lists = readRevocationLists(file);
  if (!lists) {
    report.error(path, lists.error());
    return;
  }
  for (const CrlPtr& list : *lists) {
    if (const std::string complaint = validityComplaint(*list); !complaint.empty()) {
      report.warning(path, fmt::format("the revocation list of '{}' in '{}' {}",
                                       nameInWords(X509_CRL_get_issuer(list.get())), file, complaint));
    }
  }
  const auto authorities =
      ca_file.empty() ? Result<std::vector<X509Ptr>, std::string>(std::vector<X509Ptr>()) : readCertificates(ca_file);
  if (!authorities) {
    return;  // reported at its own key
  }
  for (const X509Ptr& authority : *authorities) {
    const X509_NAME* name = X509_get_subject_name(authority.get());
    const bool listed = std::any_of(lists->begin(), lists->end(), [name](const CrlPtr& list) {
      return X509_NAME_cmp(X509_CRL_get_issuer(list.get()), name) == 0;
    });
    if (!listed && X509_check_ca(authority.get()) != 0) {
      report.warning(path, fmt::format("'{}' has no revocation list of '{}': {} with a certificate that it issued "
                                       "itself are refused, and its intermediates are not looked up",
                                       file, nameInWords(name), whom));
    }
  }
}

void checkSecrets(const std::string& file, CheckReport& report) {
  if (file.empty()) {
    return;
  }
  if (const auto keys = readSecrets(file); !keys) {
    report.error("secrets.file", keys.error());
    return;
  }
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IRWXO) != 0) {
    report.warning("secrets.file",
                   fmt::format("every user of this machine has access to the keys in '{}' (mode {:04o})", file,
                               status.st_mode & 07777U));
  }
}

void checkDirectory(const std::string& file, const std::string& path, CheckReport& report) {
  const std::string directory = directoryOf(file);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    report.error(path, fmt::format("the directory '{}' cannot be used: {}", directory, reason(errno)));
  } else if (!S_ISDIR(status.st_mode)) {
    report.error(path, fmt::format("'{}' is not a directory", directory));
  } else if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    report.error(path, fmt::format("the directory '{}' is not writable: {}", directory, reason(errno)));
  }
}

void checkLogFile(const std::string& destination, CheckReport& report) {
  const std::string path = "log.destination";
  if (destination.find('/') == std::string::npos) {
    return;
  }
  struct stat status {};
  if (::stat(destination.c_str(), &status) != 0) {
    checkDirectory(destination, path, report);
  } else if (S_ISDIR(status.st_mode)) {
    report.error(path, fmt::format("'{}' is a directory", destination));
  } else if (::access(destination.c_str(), W_OK) != 0) {
    report.error(path, fmt::format("'{}' is not writable: {}", destination, reason(errno)));
  }
}

// Every file that a reload reads again, with the path of its key.
std::vector<std::pair<std::string, std::string>> filesReadAgain(const Config& config) {
  std::vector<std::pair<std::string, std::string>> files = {{"user", config.source}};
  const auto add = [&files](std::string path, const std::string& file) {
    if (!file.empty()) {
      files.emplace_back(std::move(path), file);
    }
  };
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& tls = config.listeners[i].tls;
    for (std::size_t j = 0; tls && j < tls->certificates.size(); ++j) {
      const std::string path = fmt::format("listeners[{}].tls.certificates[{}]", i, j);
      add(path + ".certificate", tls->certificates[j].certificate);
      add(path + ".key", tls->certificates[j].key);
    }
    add(fmt::format("listeners[{}].tls.client_ca", i), tls ? tls->client_ca : std::string());
    add(fmt::format("listeners[{}].tls.client_crl_file", i), tls ? tls->client_crl_file : std::string());
  }
  for (const OriginConfig& origin : config.origins) {
    const std::string path = fmt::format("origins.{}.tls", origin.name);
    add(path + ".ca_file", origin.tls.ca_file);
    add(path + ".crl_file", origin.tls.crl_file);
    add(path + ".certificate", origin.tls.certificate);
    add(path + ".key", origin.tls.key);
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const auto& basic = config.routes[i].basic_auth;
    add(fmt::format("routes[{}].auth.basic.users_file", i), basic ? basic->users_file : std::string());
  }
  add("secrets.file", config.secrets.file);
  for (const auto& [name, page] : config.diagnostics.pages.pages) {
    add("diagnostics.pages.directory", page.file);
  }
  return files;
}

// Only root can try what another user may read.
void checkUser(const Config& config, CheckReport& report) {
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const std::string& group = config.listeners[i].group;
    if (const auto found = group.empty() ? Result<gid_t, std::string>(0) : findGroup(group); !found) {
      report.error(fmt::format("listeners[{}].group", i), found.error());
    }
  }
  if (config.user.empty()) {
    return;
  }
  const auto account = findAccount(config.user, config.group);
  if (!account) {
    report.error("user", account.error());
    return;
  }
  const auto files = filesReadAgain(config);
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const auto& [path, file] : files) {
    names.push_back(file);
  }
  const std::vector<int> errors = unreadableBy(*account, names);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (errors[i] != 0 && errors[i] != ENOENT) {
      report.warning(files[i].first, fmt::format("user '{}' cannot read '{}' ({}): it is opened as root at the start, "
                                                 "but no reload, renewal or upgrade can read it",
                                                 account->name, files[i].second, reason(errors[i])));
    }
  }
}

}  // namespace

void checkFiles(const Config& config, CheckReport& report) {
  checkUser(config, report);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const ListenerConfig& listener = config.listeners[i];
    const std::string path = fmt::format("listeners[{}]", i);
    if (listener.address.starts_with("unix:")) {
      checkDirectory(listener.address.substr(5), path + ".address", report);
    }
    if (listener.tls) {
      for (std::size_t j = 0; j < listener.tls->certificates.size(); ++j) {
        const CertificateConfig& pair = listener.tls->certificates[j];
        checkPair(pair.certificate, pair.key, fmt::format("{}.tls.certificates[{}]", path, j), report);
      }
      checkAuthorities(listener.tls->client_ca, path + ".tls.client_ca", report);
      checkRevocationLists(listener.tls->client_crl_file, listener.tls->client_ca, "clients",
                           path + ".tls.client_crl_file", report);
    }
  }
  for (const OriginConfig& origin : config.origins) {
    const std::string path = fmt::format("origins.{}.tls", origin.name);
    checkAuthorities(origin.tls.ca_file, path + ".ca_file", report);
    checkRevocationLists(origin.tls.crl_file, origin.tls.ca_file, "origins", path + ".crl_file", report);
    checkPair(origin.tls.certificate, origin.tls.key, path, report);
  }
  checkSecrets(config.secrets.file, report);
  checkUsersFiles(config, report);
  checkCertificateNames(config, report);
  checkLogFile(config.log.destination, report);
}

}  // namespace gatewhy
