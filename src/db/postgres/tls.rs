//! TLS to PostgreSQL: which certificates are believed under which `sslmode`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    /// Treated as `prefer`: libpq would try without TLS first.
    Allow,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err("sslmode is one of disable, allow, prefer, require, verify-ca, verify-full".to_owned()),
        })
    }
}

/// What the URL says of TLS. The files are PEM; `root` may also be `system`.
#[derive(Default)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    pub(super) root: Option<String>,
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
}

impl Tls {
    /// The mode that holds where `asked` stands in the URL.
    pub(super) fn settle(&self, asked: Option<Mode>) -> Result<Mode, String> {
        if self.certificate.is_some() != self.key.is_some() {
            return Err("sslcert and sslkey go together".to_owned());
        }
        match (self.root.as_deref(), asked) {
            (Some("system"), None | Some(Mode::VerifyFull)) => Ok(Mode::VerifyFull),
            (Some("system"), _) => Err("sslrootcert=system goes with sslmode=verify-full alone".to_owned()),
            (_, asked) => Ok(asked.unwrap_or_default()),
        }
    }

    /// Reads the files and makes what the driver needs. Errors name the file.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let check = Check { chain: self.chain(&provider)?, name: self.mode == Mode::VerifyFull, provider };
        let config = ClientConfig::builder_with_provider(Arc::clone(&check.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(check));
        let mut config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => config
                .with_client_auth_cert(certificates("sslcert", certificate)?, private_key(key)?)
                .map_err(|error| format!("sslkey {key}: {error}"))?,
            _ => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }

    /// The check of the server's chain. None where neither the mode nor a file asks for one.
    fn chain(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<WebPkiServerVerifier>>, String> {
        let mut roots = RootCertStore::empty();
        match (self.root.as_deref(), self.mode) {
            (_, Mode::Disable) | (None, Mode::Allow | Mode::Prefer | Mode::Require) => return Ok(None),
            (Some("system"), _) | (None, Mode::VerifyCa | Mode::VerifyFull) => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err("the system has no certificate authorities; name a file by sslrootcert".to_owned());
                }
            }
            (Some(file), _) => {
                for certificate in certificates("sslrootcert", file)? {
                    roots.add(certificate).map_err(|error| format!("sslrootcert {file}: {error}"))?;
                }
            }
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        verifier.map(Some).map_err(|error| error.to_string())
    }
}

fn certificates(parameter: &str, file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let fail = |reason: &dyn fmt::Display| format!("{parameter} {file}: {reason}");
    let read = CertificateDer::pem_file_iter(Path::new(file)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(fail(&"holds no certificate in PEM form")),
        Ok(found) => Ok(found),
        Err(error) => Err(fail(&error)),
    }
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(Path::new(file)).map_err(|error| format!("sslkey {file}: {error}"))
}

/// How far the server's certificate is believed: not at all, as to its issuer, or as to its issuer and the host's name.
#[derive(Debug)]
struct Check {
    chain: Option<Arc<WebPkiServerVerifier>>,
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, host, ocsp, now) {
            // The name is looked at last, so the rest was in order.
            Err(Error::InvalidCertificate(error)) if !self.name && is_about_the_name(&error) => {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.chain {
            Some(chain) => chain.verify_tls12_signature(message, certificate, signed),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.chain {
            Some(chain) => chain.verify_tls13_signature(message, certificate, signed),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_about_the_name(error: &CertificateError) -> bool {
    matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
}

/// A failed handshake, in words that say what to do.
pub(super) fn describe(error: &Error) -> String {
    match error {
        // The second: an authority of the same name, but with another key.
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is not signed by an authority that is trusted here (see sslrootcert)".to_owned()
        }
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            let names: Vec<_> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            let names = if names.is_empty() { "no host by name".to_owned() } else { names.join(", ") };
            format!("its certificate is for {names}, not for {}", expected.to_str())
        }
        Error::InvalidCertificate(CertificateError::Other(reason)) => match reason.0.to_string().as_str() {
            "CaUsedAsEndEntity" => "its certificate is an authority's own; let it sign one for the server".to_owned(),
            "UnsupportedCertVersion" => "its certificate is not of version 3".to_owned(),
            reason => format!("its certificate is refused: {reason}"),
        },
        error => error.to_string(),
    }
}
