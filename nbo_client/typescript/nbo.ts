// Client of nbo, the open next-best-offer engine, for browsers, Deno, Bun and Node 19 or newer; it needs nothing else.
// Written by `make docs` from the service's OpenAPI document; change nbo/documents/typescript.py, not this file.

/** The process is alive. */
export interface Alive {
  /** `alive`. */
  status: string;
}

/** A request to take a model back was stored; replicas follow within the swap time. */
export interface BackAsked {
  /** `asked`. */
  status: string;
}

/** Who takes the model back, and why. */
export interface BackBody {
  /** Name of the person */
  by: string;
  /** Reason in words. */
  reason: string;
}

/** Several requests. */
export interface BatchRequest {
  /** The same id and request give the same answer, for 35 days. */
  request_id?: string | null;
  /** Whether to write, count and spend nothing. */
  dry_run?: boolean;
  /** The questions; each decision is committed by itself. */
  decisions: Array<QuestionBody>;
}

/** The bank's offers. */
export interface Catalogue {
  /** Name of the bank. */
  bank: string;
  /** Currency of values and amounts. */
  currency: string;
  /** Each offer, as offers.yaml has it. */
  offers: Array<Record<string, unknown>>;
}

/** Data of a CloudEvent. */
export interface CloudEventData {
  /** Id of the customer; null if the subject names the customer. */
  customer_id?: string | null;
  /** One of the bank's channels. */
  channel?: string | null;
  /** One of the bank's products. */
  product?: string | null;
  /** Amount in the bank's currency. */
  amount?: number | null;
  /** Properties of the event, by the names that events.yaml declares for its type. */
  properties?: Record<string, string | boolean | number>;
  /** Id of the decision; events that respond to it cite it. */
  decision_id?: string | null;
}

/** A CloudEvent 1.0: `subject` is the customer, `type` ends with the bank's name of the event. */
export interface CloudEventIn {
  /** Version of CloudEvents. */
  specversion: "1.0";
  /** Unique for its source; with the source it makes the event's id. */
  id: string;
  /** Where the event comes from. */
  source: string;
  /** The bank's name of the event, or one that ends with a dot and that name. */
  type: string;
  /** Id of the customer; null if the data name the customer. */
  subject?: string | null;
  /** When it happened, with a UTC offset; the current moment by default. */
  time?: string | null;
  /** What the event says. */
  data?: CloudEventData;
}

/** Consents that a customer gives or refuses from now on. */
export interface ConsentBody {
  /** Boolean attributes */
  consents: Record<string, boolean>;
  /** Repeating an id changes nothing */
  event_id?: string | null;
}

/** Status of a change of consents. */
export interface ConsentChanged {
  /** Id of the event; submitted twice with the same id, it counts once. */
  event_id: string;
  /** `accepted`, `duplicate`, `conflict`, `stray`, `erased` or `refused`. */
  fate: string;
}

/** What is known of a customer. */
export interface Customer {
  /** Id of the customer. */
  customer_id: string;
  /** The moment the answer is about, with a UTC offset. */
  as_of: string;
  /** The latest known values, by the names of events.yaml. */
  attributes: Record<string, unknown>;
  /** Stage of the journey, and since when. */
  stage: Record<string, unknown>;
  /** Earlier stages, the latest first. */
  stage_history: Array<Record<string, unknown>>;
  /** Products held, and since when. */
  products: Array<Record<string, unknown>>;
  /** Use of each contact limit. */
  limits: Array<Record<string, unknown>>;
  /** Summaries of the latest decisions. */
  decisions: Array<Record<string, unknown>>;
  /** Where the features came from: `state`, `log` or `nothing`. */
  features_from: string;
}

/** A decision: what to offer, or why nothing. */
export interface Decision {
  /** Id of the decision; events that respond to it cite it. */
  decision_id: string;
  /** Id of the customer. */
  customer_id: string;
  /** One of the bank's channels. */
  channel: string;
  /** The moment the answer is about, with a UTC offset. */
  as_of: string;
  /** Stage of the customer's journey; null if nothing is known of the customer. */
  stage: string | null;
  /** Offers by rank; empty if nothing is allowed, and `fallback` then says why. */
  offers: Array<RankedOffer>;
  /** Why nothing is offered; null if something is. */
  fallback: string | null;
  /** Where the features came from: `state`, `log` or `nothing`. */
  features_from: string;
  /** Faults during the decision; empty if there were none. */
  degraded: Array<string>;
  /** Digests of the policy, the feature catalogue and the models in use, by name. */
  versions: Record<string, string>;
  /** Whether to write, count and spend nothing. */
  dry_run: boolean;
}

/** A request with an id, so that a retry gets the same answer. */
export interface DecisionBody {
  /** Customer to decide for; an unknown one gets the answer of a customer without history */
  customer_id: string;
  /** One of the bank's channels */
  channel: string;
  /** Placements to fill, most important first */
  placements?: Array<string>;
  /** As events.yaml declares under `request` */
  context?: Record<string, string | boolean | number | null>;
  /** Maximum number of offers */
  offers?: number | null;
  /** Say what moved the model most; it takes longer */
  reasons?: boolean | null;
  /** The same id and request give the same answer, for 35 days */
  request_id?: string | null;
  /** Write, count and spend nothing */
  dry_run?: boolean;
}

/** Several decisions, in the order of the questions. */
export interface Decisions {
  /** One for each question. */
  decisions: Array<Decision>;
}

/** Something that happened. */
export interface EventIn {
  /** Id of the event; submitted twice with the same id, it counts once. */
  event_id: string;
  /** Id of the customer. */
  customer_id: string;
  /** Type of the event, one that events.yaml declares. */
  type: string;
  /** With a UTC offset; the current moment by default */
  occurred_at?: string | null;
  /** One of the bank's channels. */
  channel?: string | null;
  /** One of the bank's products. */
  product?: string | null;
  /** Amount in the bank's currency. */
  amount?: number | null;
  /** Properties of the event, by the names that events.yaml declares for its type. */
  properties?: Record<string, string | boolean | number>;
  /** The decision that this answers */
  decision_id?: string | null;
}

/** Status of a submitted event; `fate` is accepted, duplicate, conflict, stray, erased or refused. */
export interface EventResult {
  /** Id of the event; submitted twice with the same id, it counts once. */
  event_id: string;
  /** `accepted`, `duplicate`, `conflict`, `stray`, `erased` or `refused`. */
  fate: string;
  /** Kind of the fault of a refused event; None for others. */
  reason?: string | null;
  /** The fault in words; None if there is none. */
  detail?: string | null;
}

/** Statuses of submitted events, in their order; accepted events are durable and count in the next decision. */
export interface EventResults {
  /** Number of accepted events. */
  accepted: number;
  /** One for each event. */
  results: Array<EventResult>;
}

/** The verdict of every rule on every candidate of a decision. */
export interface Explanation {
  /** Id of the decision; events that respond to it cite it. */
  decision_id: string;
  /** Id of the customer. */
  customer_id: string;
  /** Stage of the customer's journey; null if nothing is known of the customer. */
  stage: string | null;
  /** How candidates were ranked: `standard`, or the customer's control arm. */
  arm: string;
  /** The customer's values that rules, values and models used. */
  features: Record<string, unknown>;
  /** Every offer in every channel, with its numbers and the verdict of every rule. */
  candidates: Array<Record<string, unknown>>;
  /** Why nothing is offered; null if something is. */
  fallback: string | null;
  /** What the caller said of the moment. */
  request?: Record<string, unknown> | null;
  /** Price of each budget. */
  prices?: Record<string, number> | null;
  /** What was left of each budget. */
  remaining?: Record<string, number | null> | null;
}

/** Where the rollout of a model stands. */
export interface ModelRollout {
  /** Registered name of the model. */
  model: string;
  /** When it was read. */
  as_of: string;
  /** Where it stands, in words. */
  sentence: string;
  /** `challenger`, `shadow`, `slice`, or `champion` while a new champion is watched; None without a rollout. */
  stage: string | null;
  /** The version in that stage. */
  version: string | null;
  /** Share of the standard arm's customers or households for whom that version decides. */
  share: number | null;
  /** When it came into its stage; None for a challenger. */
  since: string | null;
  /** Version that it is compared with: the champion, or the former one. */
  other: string | null;
  /** Latest challenger. */
  challenger: string | null;
  /** What all gates together say: `ship`, `hold` or `stop`; None if they were not put since the last step. */
  verdict: string | null;
  /** Why. */
  reason: string | null;
  /** What each gate says. */
  gates: Array<RolloutGate>;
  /** Moves of the version's aliases, earliest first. */
  moves: Array<RolloutMove>;
}

/** What is paused, by whom, why and until when. */
export interface PauseBody {
  /** `offer`, `channel` or `outbound` (all outbound channels). */
  scope: "offer" | "channel" | "outbound";
  /** The offer or channel; nothing for all outbound channels */
  name?: string | null;
  /** Name of the person */
  by: string;
  /** Reason in words. */
  reason: string;
  /** The moment at which the pause ends, with a UTC offset. */
  until: string;
}

/** A pause; its name is empty if it stops all outbound channels. */
export interface PauseInForce {
  /** `offer`, `channel` or `outbound` (all outbound channels). */
  scope: string;
  /** Name of the offer or channel; empty or null if all outbound channels are meant. */
  name: string;
  /** Reason in words. */
  reason: string;
  /** Name of the person. */
  by: string;
  /** The moment at which the pause began. */
  paused_at: string;
  /** The moment at which the pause ends, with a UTC offset. */
  until: string;
}

/** A pause that was just put in force. */
export interface Paused {
  /** `offer`, `channel` or `outbound` (all outbound channels). */
  scope: string;
  /** Name of the offer or channel; empty or null if all outbound channels are meant. */
  name: string;
  /** Reason in words. */
  reason: string;
  /** Name of the person. */
  by: string;
  /** The moment at which the pause began. */
  paused_at: string;
  /** The moment at which the pause ends, with a UTC offset. */
  until: string;
  /** Waiting contacts that are not handed over while it lasts. */
  caught: number;
  /** Contacts that were handed over before, and whose time to be made has not passed. */
  left: number;
}

/** The pauses in force. */
export interface Pauses {
  /** Each pause in force. */
  pauses: Array<PauseInForce>;
}

/** An error answer (RFC 9457). */
export interface ProblemDetails {
  /** Kind of the problem: `urn:nbo:problem:...`. */
  type: string;
  /** What went wrong. */
  title: string;
  /** HTTP status. */
  status: number;
  /** More about it. */
  detail?: string | null;
  /** The offending value. */
  got?: string | null;
  /** What would have been right. */
  expected?: string | null;
  /** What to do now. */
  remedy?: string | null;
  /** Each wrong field: where it is, and what is wrong with it. */
  errors?: Array<Record<string, unknown>> | null;
}

/** The best offers now, for this customer, in this channel. */
export interface QuestionBody {
  /** Customer to decide for; an unknown one gets the answer of a customer without history */
  customer_id: string;
  /** One of the bank's channels */
  channel: string;
  /** Placements to fill, most important first */
  placements?: Array<string>;
  /** As events.yaml declares under `request` */
  context?: Record<string, string | boolean | number | null>;
  /** Maximum number of offers */
  offers?: number | null;
  /** Say what moved the model most; it takes longer */
  reasons?: boolean | null;
}

/** One offer of a decision. */
export interface RankedOffer {
  /** Place among the ranked offers, from 1. */
  rank: number;
  /** Name of the offer. */
  offer: string;
  /** Description in words. */
  description: string;
  /** One of the bank's products. */
  product: string | null;
  /** `mandatory`, `transactional` or `commercial`; a class ranks above the next one. */
  offer_class: string;
  /** Text of the treatment, by which the channel presents the offer. */
  message: string;
  /** Place in the channel; None if it has only one. */
  slot: string | null;
  /** The requested place that this offer fills; None if no places were requested. */
  placement: string | null;
  /** Probability of acceptance; None for an offer that was not scored. */
  propensity: number | null;
  /** Value of an acceptance, in the bank's currency; None for an offer that was not scored. */
  value: number | null;
  /** What offers are ranked by within their class: an expected margin in the bank's currency. */
  priority: number | null;
  /** Probability with which this offer was chosen, for evaluating policies. */
  selection_probability: number;
  /** Probability with which it got its rank. */
  rank_probability: number;
  /** What moved the score most: what is true of the customer, the strongest first, then how the offer is usually received; empty unless the question asked for reasons. */
  reasons: Array<Reason>;
}

/** Readiness of the service, with the bank and the versions that it serves, and what is paused. */
export interface Ready {
  /** `ready`; anything else is a problem with status 503. */
  status: string;
  /** Name of the bank. */
  bank: string;
  /** Digests of the policy, the feature catalogue and the models in use, by name. */
  versions: Record<string, string>;
  /** What is paused, such as `channel email`. */
  paused?: Array<string>;
}

/** One reason for a score, in words and as a share of the log odds. */
export interface Reason {
  /** Feature of the customer that moved the score, or `offer`. */
  name: string;
  /** What it is, in words. */
  description: string;
  /** The customer's value in words; empty if it is not about the customer. */
  value: string;
  /** Contribution to the log odds of acceptance; positive speaks for the offer. */
  log_odds: number;
  /** The reason as a sentence. */
  sentence: string;
}

/** Receipt of an erasure: rows erased from each place; the customer is named by a hash. */
export interface Receipt {
  /** Id of the receipt. */
  receipt_id: string;
  /** Salted hash of the customer's id, as in the audit. */
  customer: string;
  /** The moment of the erasure. */
  erased_at: string;
  /** Place -> number of rows erased. */
  erased: Record<string, number>;
}

/** Result of replaying a decision: whether it came out the same. */
export interface Replay {
  /** Id of the decision; events that respond to it cite it. */
  decision_id: string;
  /** Whether the decision came out the same. */
  same: boolean;
  /** What differs, in words. */
  differences: Array<string>;
  /** The offers of the decision made anew. */
  offers: Array<Record<string, unknown>>;
}

/** What is resumed, and by whom. */
export interface ResumeBody {
  /** `offer`, `channel` or `outbound` (all outbound channels). */
  scope: "offer" | "channel" | "outbound";
  /** The offer or channel; nothing for all outbound channels */
  name?: string | null;
  /** Name of the person */
  by: string;
}

/** What one gate of a rollout says. */
export interface RolloutGate {
  /** What was looked at. */
  gate: string;
  /** `ship`, `hold` or `stop`. */
  word: string;
  /** The reason, with its numbers. */
  reason: string;
  /** The number behind it; None if there is none yet. */
  value: number | null;
}

/** An alias of a version that was given or taken away. */
export interface RolloutMove {
  /** When. */
  at: string;
  /** Which alias, by whom and why. */
  move: string;
}

/** Rollouts of models, as of the last watch or step. */
export interface Rollouts {
  /** One for each model that has been watched. */
  rollouts: Array<ModelRollout>;
}

/** The customer whose scores are requested. */
export interface ScoreBody {
  /** Id of the customer. */
  customer_id: string;
  /** One of the bank's channels. */
  channel?: string | null;
}

/** The models' probabilities for a customer. */
export interface Scores {
  /** Id of the customer. */
  customer_id: string;
  /** The moment the answer is about, with a UTC offset. */
  as_of: string;
  /** Probability of churn within the horizon of models.yaml; None without a champion. */
  churn_probability: number | null;
  /** Probability of acceptance of each offer in each channel. */
  propensities: Array<Record<string, unknown>>;
  /** Digests of the policy, the feature catalogue and the models in use, by name. */
  versions: Record<string, string>;
  /** Where the features came from: `state`, `log` or `nothing`. */
  features_from: string;
}

/** A decision as it was stored, and its outcome. */
export interface StoredDecision {
  /** Id of the decision; events that respond to it cite it. */
  decision_id: string;
  /** Id of the customer. */
  customer_id: string;
  /** One of the bank's channels. */
  channel: string;
  /** The moment the answer is about, with a UTC offset. */
  as_of: string;
  /** Stage of the customer's journey; null if nothing is known of the customer. */
  stage: string | null;
  /** The first of the ranked offers. */
  offer: string | null;
  /** The ranked offers, with the numbers they were ranked by. */
  offers: Array<Record<string, unknown>>;
  /** Why nothing is offered; null if something is. */
  fallback: string | null;
  /** Outcomes of the decision, the earliest first. */
  outcomes: Array<Record<string, unknown>>;
  /** The latest outcome, which revises the earlier ones. */
  outcome: string | null;
  /** When its channel withdrew the contact; None if it did not. */
  withdrawn_at: string | null;
  /** Digests of the policy, the feature catalogue and the models in use, by name. */
  versions: Record<string, string>;
  /** Probability that the first offer was chosen. */
  selection_probability?: number | null;
  /** Where the customer's features came from, as in `Decision`. */
  features_from?: string | null;
}

/** A withdrawn contact: since `withdrawn_at` it no longer counts, and its budgets are refunded. */
export interface Withdrawal {
  /** Id of the decision; events that respond to it cite it. */
  decision_id: string;
  /** The moment at which the channel withdrew the contact; null if it did not. */
  withdrawn_at: string;
}
export interface Options {
  /** API key or bearer token. */
  key: string;
  /** Number of attempts in all; 1 for no retries. */
  attempts?: number;
  /** Longest wait before the second attempt; it doubles with each. */
  firstSeconds?: number;
  /** Limit of every wait; if the service asks for a longer one, the request is not sent again. */
  longestSeconds?: number;
  /** Time limit of each attempt. */
  timeoutSeconds?: number;
}

/** The service answered with a problem, or not at all (status 0). */
export class ServiceError extends Error {
  constructor(readonly status: number, readonly problem: Partial<ProblemDetails>) {
    super(problem.title ?? `the service answered ${status}`);
    this.name = "ServiceError";
  }
}

const AGAIN = new Set([429, 502, 503, 504]);

/** Calls the service; each call is sent again under the same id where that may help, so nothing counts twice. */
export class NboClient {
  readonly #address: string;
  readonly #options: Required<Options>;

  constructor(address: string, options: Options) {
    this.#address = address.replace(/\/+$/, "");
    this.#options = { attempts: 4, firstSeconds: 0.1, longestSeconds: 5, timeoutSeconds: 10, ...options };
  }

  /** Decide for one customer in one channel; the decision is durable before it is answered. */
  decide(body: DecisionBody): Promise<Decision> {
    return this.#send("POST", `/v1/decisions`, { request_id: crypto.randomUUID(), ...body });
  }

  /** Decide for up to 500 customers; each decision is committed separately, and a retry finds those already made. */
  decideAll(body: BatchRequest): Promise<Decisions> {
    return this.#send("POST", `/v1/decisions/batch`, { request_id: crypto.randomUUID(), ...body });
  }

  /**
   * Report that a contact will not be made: it no longer counts, and its budget claims are refunded.
   *
   * Repeating the call returns the first answer. A contact that was presented, or a decision that is no contact, is a
   * problem (409).
   */
  withdraw(decisionId: string): Promise<Withdrawal> {
    return this.#send("POST", `/v1/decisions/${encodeURIComponent(decisionId)}/withdrawal`);
  }

  /**
   * Accept one event or up to 500, also as CloudEvents; accepted events are durable and count at once.
   *
   * The valid events of a batch are accepted and the others reported; a single invalid event is a problem.
   */
  tell(body: EventIn | CloudEventIn | Array<EventIn | CloudEventIn>): Promise<EventResults> {
    return this.#send("POST", `/v1/events`, body);
  }

  /** Return a customer's profile, stages, products, limits and decisions; the access is audited. */
  customer(customerId: string): Promise<Customer> {
    return this.#send("GET", `/v1/customers/${encodeURIComponent(customerId)}`);
  }

  /** Erase all data of a customer and return a receipt; repeating it erases what arrived since. */
  erase(customerId: string): Promise<Receipt> {
    return this.#send("DELETE", `/v1/customers/${encodeURIComponent(customerId)}`);
  }

  /** Record consents given or withdrawn: an event like any other, which counts from the next decision on. */
  changeConsents(customerId: string, body: ConsentBody): Promise<ConsentChanged> {
    return this.#send("PUT", `/v1/customers/${encodeURIComponent(customerId)}/consents`, body);
  }

  /** Return a decision and its outcomes; the access is audited. */
  decision(decisionId: string): Promise<StoredDecision> {
    return this.#send("GET", `/v1/decisions/${encodeURIComponent(decisionId)}`);
  }

  /** Explain a decision: every rule's verdict on every candidate; the access is audited. */
  explanation(decisionId: string): Promise<Explanation> {
    return this.#send("GET", `/v1/decisions/${encodeURIComponent(decisionId)}/explanation`);
  }

  /** Decide again from the stored inputs and compare; nothing is written. */
  replay(decisionId: string): Promise<Replay> {
    return this.#send("POST", `/v1/decisions/${encodeURIComponent(decisionId)}/replay`);
  }

  /** Return the offers of the current catalogue. */
  offers(): Promise<Catalogue> {
    return this.#send("GET", `/v1/offers`);
  }

  /** Return the models' probabilities for a customer without deciding; the access is audited. */
  scores(body: ScoreBody): Promise<Scores> {
    return this.#send("POST", `/v1/scores`, body);
  }

  /** Return the pauses in force. */
  pauses(): Promise<Pauses> {
    return this.#send("GET", `/v1/pauses`);
  }

  /**
   * Pause an offer, a channel or all outbound channels; it is audited.
   *
   * From the answer on, no waiting contact in its scope is handed over, and this replica decides accordingly; other
   * replicas follow within the swap time.
   */
  pause(body: PauseBody): Promise<Paused> {
    return this.#send("POST", `/v1/pauses`, body);
  }

  /** End a pause and return those that stay in force; it is audited. */
  resume(body: ResumeBody): Promise<Pauses> {
    return this.#send("POST", `/v1/pauses/resume`, body);
  }

  /** Return where rollouts stand and what their gates said, as of the last watch or step. */
  rollouts(): Promise<Rollouts> {
    return this.#send("GET", `/v1/rollout`);
  }

  /**
   * End the rollout under way, or else put the former champion back in charge; it is audited.
   *
   * The process that publishes models does it, and every replica follows within the swap time.
   */
  takeBack(body: BackBody): Promise<BackAsked> {
    return this.#send("POST", `/v1/rollout/back`, body);
  }

  /** Report that the process answers; a supervisor restarts one that does not. */
  alive(): Promise<Alive> {
    return this.#send("GET", `/healthz`);
  }

  /** Report whether decisions can be made and stored; a load balancer skips a replica that is not ready. */
  ready(): Promise<Ready> {
    return this.#send("GET", `/readyz`);
  }

  async #send<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const { attempts, firstSeconds, longestSeconds, key, timeoutSeconds } = this.#options;
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    for (let attempt = 1; ; attempt++) {
      let response: Response | undefined;
      let problem: Partial<ProblemDetails> = { title: "the service does not answer" };
      try {
        response = await fetch(this.#address + path, {
          method,
          headers,
          body: body === undefined ? undefined : JSON.stringify(body),
          signal: AbortSignal.timeout(timeoutSeconds * 1000),
          redirect: "error",
        });
        const text = await response.text();
        if (response.ok) return JSON.parse(text) as Answer;
        problem = text.startsWith("{") ? JSON.parse(text) : { title: response.statusText };
      } catch (error) {
        if (response?.ok) throw error;
        problem.detail = String(error);
      }
      const status = response?.status ?? 0;
      const asked = retryAfterSeconds(response?.headers.get("retry-after") ?? null);
      const again = response === undefined || AGAIN.has(status);
      if (!again || attempt >= attempts || (asked ?? 0) > longestSeconds) throw new ServiceError(status, problem);
      const most = Math.min(longestSeconds, firstSeconds * 2 ** (attempt - 1));
      const wait = asked === null ? most * Math.random() : asked + firstSeconds * Math.random();
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
}

function retryAfterSeconds(value: string | null): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value)) return Number(value);
  const moment = Date.parse(value);
  return Number.isNaN(moment) ? null : Math.max(0, (moment - Date.now()) / 1000);
}
