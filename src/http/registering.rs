//! How routes are registered: with actix where they are served, and with utoipa where the document is made of them. That takes
//! time and memory which whoever serves does not spend: the document is committed.

use actix_web::{dev::HttpServiceFactory, web};
use utoipa_actix_web::{OpenApiFactory, service_config::ServiceConfig};

/// What takes routes.
pub trait Routes: Sized {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, service: F) -> &mut Self;

    fn configure(&mut self, routes: impl FnOnce(&mut Self)) -> &mut Self {
        routes(self);
        self
    }
}

impl Routes for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, service: F) -> &mut Self {
        Self::service(self, service)
    }
}

impl Routes for ServiceConfig<'_> {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, service: F) -> &mut Self {
        Self::service(self, service)
    }
}
