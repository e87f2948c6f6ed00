-- One row per source: quantiles of tokens and of turns a dialogue.
SELECT
    source,
    count(*) AS dialogues,
    quantile_disc(n_tokens, 0.05) AS tokens_05,
    quantile_disc(n_tokens, 0.5) AS tokens_50,
    quantile_disc(n_tokens, 0.95) AS tokens_95,
    max(n_tokens) AS tokens_most,
    round(avg(n_turns), 2) AS turns_mean,
    max(n_turns) AS turns_most
FROM dialogues
GROUP BY source
ORDER BY dialogues DESC, source
