//! Nothing goes wrong: what every other trial is measured against.

use trials::Census;
use trials::expected::{flaws_of_healed, flaws_of_ready};
use trials::trial::in_lab;
use trials::world::quick;

#[test]
fn a_lab_that_meets_no_trouble_comes_heals_and_goes() {
    in_lab(quick(), async |world, lab| {
        let before = Census::of(world).await;
        lab.ok(&["deploy"]).await;
        assert_eq!(flaws_of_ready(world).await, Vec::<String>::new());
        let again = lab.ok(&["deploy"]).await;
        assert_eq!(again.document["changed"], false, "{}", again.text);
        let incident = lab.ok(&["simulate-incident"]).await;
        assert_eq!(incident.document["healed"], true);
        assert_eq!(flaws_of_healed(world).await, Vec::<String>::new());
        let removed = lab.ok(&["cleanup"]).await;
        assert_eq!(removed.document["leftovers"], serde_json::json!([]));
        assert_eq!(before.since(world).await, "");
    });
}
