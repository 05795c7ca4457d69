//! TLS to a controller, by rustls with ring.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Controller;

/// The remedy where a certificate is not taken.
const INSECURE: &str = "add the authority's certificate to [power] ca_file, or have the host take any certificate with --bmc-insecure";

pub(super) async fn connect(
    controller: &Controller<'_>,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = if controller.redfish.insecure {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth()
    } else {
        let file = controller.settings.ca_file.clone();
        let read = tokio::task::spawn_blocking(move || roots(&file)).await;
        builder.with_root_certificates(read.map_err(|error| error.to_string())??).with_no_client_auth()
    };
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| {
        let remedy = if error.to_string().contains("certificate") { INSECURE } else { "is this port TLS?" };
        format!("{error}; {remedy}")
    })
}

fn roots(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file)
        .map_err(|error| format!("cannot read [power] ca_file {}: {error}; {INSECURE}", file.display()))?;
    // One that cannot be read speaks for nobody.
    roots.add_parsable_certificates(certificates.flatten());
    if roots.is_empty() {
        return Err(format!("there is no certificate in [power] ca_file {}; {INSECURE}", file.display()));
    }
    Ok(roots)
}

/// Takes any certificate, but wants a proof that the controller has its key: what is said is hidden from listeners, and
/// nothing keeps somebody in between from being the controller.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
