//! Takes durable steps that do nothing, one after the other: `restate-service PORT STEPS`.

use restate_sdk::prelude::*;

struct Steps(u64);

#[service]
impl Steps {
    #[handler]
    async fn run(&self, context: Context<'_>) -> Result<u64, HandlerError> {
        let mut last = 0;
        for step in 1..=self.0 {
            last = context.run(|| async move { Ok(step) }).await?;
        }
        Ok(last)
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(Ok(steps))) = (arguments.next(), arguments.next().map(|steps| steps.parse())) else {
        eprintln!("restate-service PORT STEPS");
        std::process::exit(2);
    };
    let address = format!("127.0.0.1:{port}").parse().expect("PORT is a number");
    HttpServer::new(Endpoint::builder().bind(Steps(steps)).build()).listen_and_serve(address).await;
}
