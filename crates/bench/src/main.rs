#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "results go to standard output")]

mod addresses;
mod cluster;
mod connect;
mod dns;
mod kubernetes;
mod l4;
mod lab;
mod quantile;
mod report;
mod traffic;
mod usage;

use clap::{Parser, Subcommand, ValueEnum};

#[derive(Parser)]
#[command(name = "pogu-bench", about = "Measures pogu, counted and timed")]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The nftables dataplane: cold start, changes, memory, connections
    L4(L4),
    /// One size of the above, in this process
    #[command(hide = true)]
    L4Size { services: usize, endpoints: usize, changes: usize },
    /// The DNS beside unbound and CoreDNS: rate, latency, processor time, memory
    Dns(dns::Options),
    /// An agent on a real control plane beside kube-proxy: start, changes, processor time, memory
    Kubernetes(kubernetes::Options),
    /// A controller that gives Services of type LoadBalancer their addresses: time, writes
    Addresses(addresses::Options),
    /// A lab: how long it takes to come and go, and how much memory it needs
    Lab {
        /// Numbers of nodes and pods, one lab for each
        #[arg(long, value_delimiter = ',', default_values = ["3:10", "10:200"])]
        sizes: Vec<String>,
        /// Labs of each size, one after the other
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// What the packet and byte counters cost each packet
    Traffic {
        /// Round trips of each measurement
        #[arg(long, default_value_t = 100_000)]
        round_trips: u32,
        /// Measurements of each kind, taken in turn
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
}

#[derive(clap::Args)]
struct L4 {
    /// Numbers of Services, one run for each
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1000, 5000, 20000])]
    services: Vec<usize>,
    /// Endpoints of each Service
    #[arg(long, default_value_t = 10)]
    endpoints: usize,
    /// Changes that are timed, of each kind
    #[arg(long, default_value_t = 1000)]
    changes: usize,
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> anyhow::Result<()> {
    match Command::parse().what {
        What::L4(args) => {
            let mut results = Vec::new();
            for services in args.services {
                results.push(l4::run_apart(services, args.endpoints, args.changes)?);
            }
            match args.output {
                Output::Text => print!("{}", report::text(&results)),
                Output::Json => println!("{}", serde_json::to_string_pretty(&results)?),
            }
        }
        What::L4Size { services, endpoints, changes } => {
            println!("{}", serde_json::to_string(&l4::run(services, endpoints, changes)?)?);
        }
        What::Dns(options) => {
            let results = dns::run(&options)?;
            match options.output {
                Output::Text => print!("{}", dns::text(&results)),
                Output::Json => println!("{}", serde_json::to_string_pretty(&results)?),
            }
        }
        What::Kubernetes(options) => {
            let results = kubernetes::run(&options)?;
            match options.output {
                Output::Text => print!("{}", kubernetes::text(&results)),
                Output::Json => println!("{}", serde_json::to_string_pretty(&results)?),
            }
        }
        What::Addresses(options) => {
            let measured = addresses::run(&options)?;
            match options.output {
                Output::Text => print!("{}", addresses::text(&measured)),
                Output::Json => println!("{}", serde_json::to_string_pretty(&measured)?),
            }
        }
        What::Lab { sizes, rounds } => print!("{}", lab::run(&sizes, rounds)?),
        What::Traffic { round_trips, rounds } => {
            print!("{}", traffic::run(round_trips, rounds)?);
        }
    }
    Ok(())
}
