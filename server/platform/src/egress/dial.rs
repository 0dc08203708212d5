//! Resolving and dialling: a name becomes addresses, addresses are vetted, and only vetted ones are dialled. The name
//! lives on in SNI and in `Host`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Host;

use super::EgressError;
use super::policy::{Target, check_address};

/// Turns a name into addresses.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of the name.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|a| a.ip()).collect())
    }
}

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) struct Dialler {
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    allow_loopback: bool,
    anywhere: bool,
}

impl Dialler {
    pub(super) fn new(allow_loopback: bool, resolver: Arc<dyn Resolve>) -> Self {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { resolver, tls: TlsConnector::from(Arc::new(config)), allow_loopback, anywhere: false }
    }

    /// One that goes wherever the operator says, private addresses included.
    pub(super) fn anywhere(resolver: Arc<dyn Resolve>) -> Self {
        Self { anywhere: true, ..Self::new(true, resolver) }
    }

    fn check(&self, ip: IpAddr) -> Result<(), EgressError> {
        if self.anywhere { Ok(()) } else { check_address(ip, self.allow_loopback) }
    }

    pub(super) async fn connect(&self, target: &Target, within: Duration) -> Result<Box<dyn Stream>, EgressError> {
        tokio::time::timeout(within, self.try_connect(target)).await.unwrap_or_else(|_| {
            let host = target.host_text();
            Err(EgressError::failed("timeout", format!("no connection to {host} within {} s", within.as_secs_f32())))
        })
    }

    async fn try_connect(&self, target: &Target) -> Result<Box<dyn Stream>, EgressError> {
        let tcp = self.dial(target, &self.vetted(target).await?).await?;
        if target.is_tls() { self.encrypt(target, Box::new(tcp)).await } else { Ok(Box::new(tcp)) }
    }

    /// Encrypts what was not, with the name of the target proved.
    pub(super) async fn encrypt(
        &self,
        target: &Target,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, EgressError> {
        let host = target.host_text();
        let failed = |e: &dyn std::fmt::Display| EgressError::failed("tls_failed", format!("TLS with {host}: {e}"));
        let name = ServerName::try_from(host.clone()).map_err(|e| failed(&e))?;
        let tls = self.tls.connect(name, stream).await.map_err(|e| failed(&e))?;
        Ok(Box::new(tls))
    }

    /// The addresses of the target that may be dialled.
    async fn vetted(&self, target: &Target) -> Result<Vec<IpAddr>, EgressError> {
        let name = match target.host() {
            // A literal never reaches a resolver: it is judged here or nowhere.
            Host::Ipv4(ip) => return self.check((*ip).into()).map(|()| vec![(*ip).into()]),
            Host::Ipv6(ip) => return self.check((*ip).into()).map(|()| vec![(*ip).into()]),
            Host::Domain(name) => name,
        };
        let found = self
            .resolver
            .resolve(name)
            .await
            .map_err(|e| EgressError::failed("dns_failed", format!("`{name}` cannot be resolved: {e}")))?;
        let mut refusal = None;
        let mut good = Vec::new();
        for ip in found {
            match self.check(ip) {
                Ok(()) => good.push(ip),
                Err(e) => refusal = Some(e),
            }
        }
        match (good.is_empty(), refusal) {
            (false, _) => Ok(good),
            (true, Some(e)) => Err(EgressError::refused(e.code, format!("`{name}`: {}", e.message))),
            (true, None) => Err(EgressError::failed("dns_failed", format!("`{name}` has no address"))),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that dials, and only vetted addresses")]
    async fn dial(&self, target: &Target, addresses: &[IpAddr]) -> Result<TcpStream, EgressError> {
        let mut last = None;
        for ip in addresses {
            match TcpStream::connect(SocketAddr::new(*ip, target.port())).await {
                Ok(stream) => {
                    let peer = stream
                        .peer_addr()
                        .map_err(|e| EgressError::failed("connect_failed", format!("the peer is unknown: {e}")))?;
                    self.check(peer.ip())?;
                    // Without it small requests wait for the other side's delayed acknowledgement.
                    if let Err(e) = stream.set_nodelay(true) {
                        tracing::debug!(error = %e, "no TCP_NODELAY");
                    }
                    return Ok(stream);
                }
                Err(e) => last = Some(e),
            }
        }
        let why = last.map_or_else(|| "no address".to_owned(), |e| e.to_string());
        Err(EgressError::failed("connect_failed", format!("cannot connect to {}: {why}", target.authority())))
    }
}
