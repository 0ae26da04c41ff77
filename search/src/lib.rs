//! Quality-diversity search over networks written by a language model.
//!
//! Two archives cooperate, as in LLMatic (Nasir et al., arXiv 2306.01102): one of networks, by
//! their shape and cost, and one of prompts, by their instruction and temperature. The loop, with
//! the names it has here:
//!
//! ```text
//! while let Some(emitter) = next_emitter(setting, &state) {        // random phase, then evolution
//!     let proposals = emitter.ask(setting, &state);                // parents and prompts
//!     let completions = model.generate(&requests(&proposals));     // LanguageModel
//!     for (proposal, completion) in proposals.zip(completions) {
//!         let verdict = evaluator.evaluate(extract(&completion));  // Evaluator: check, cost, train
//!         let status = state.networks.add(network(verdict));       // strictly fitter takes the cell
//!         store.finish_candidate(verdict, status);                 // on the disk from here on
//!         emitter.tell(setting, &mut state, proposal, status);     // the prompt archive's books
//!     }
//! }
//! ```
//!
//! [`run::Run`] is the way in: [`run::Run::create`] or [`run::Run::resume`], then
//! [`run::Run::search`] with a [`llm::LanguageModel`], an [`evaluate::Evaluator`] and a
//! [`observer::SearchObserver`]. [`store::RunReader`] reads a run, also while it is written.
//! The seed decides a run: each random draw is made from it for a named purpose ([`seed`]), and
//! the state is a function of what is stored, so a run that was cut off goes on as if it was not.

pub mod archive;
pub mod benchmark;
pub mod config;
pub mod emitter;
pub mod error;
pub mod evaluate;
pub mod extract;
pub mod known;
pub mod llm;
pub mod measures;
pub mod observer;
pub mod precedents;
pub mod prompt;
pub mod proposer;
pub mod run;
pub mod scheduler;
pub mod seed;
pub mod state;
pub mod store;
#[cfg(test)]
mod tests;
