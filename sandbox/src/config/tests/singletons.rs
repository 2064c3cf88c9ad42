//! Recorder, channel and retention: one of each, in their order.

use super::*;

#[tokio::test]
async fn the_channel_outlives_a_running_recorder() {
    let world = World::new(&[GROUP]);
    let channel = json!({"DeliveryChannelName": "default"});
    let recorder = json!({"ConfigurationRecorderName": "default"});
    assert_eq!(
        world
            .refused("DeleteDeliveryChannel", channel.clone())
            .await,
        "LastDeliveryChannelDeleteFailedException"
    );
    world
        .ok("StopConfigurationRecorder", recorder.clone())
        .await;
    // The stop is not known everywhere at once.
    assert_eq!(
        world
            .refused("DeleteDeliveryChannel", channel.clone())
            .await,
        "LastDeliveryChannelDeleteFailedException"
    );
    world.sandbox.clock.advance(Duration::from_millis(250));
    world.ok("DeleteDeliveryChannel", channel.clone()).await;
    assert_eq!(
        world.refused("DeleteDeliveryChannel", channel).await,
        "NoSuchDeliveryChannelException"
    );
    assert_eq!(
        world
            .refused("StartConfigurationRecorder", recorder.clone())
            .await,
        "NoAvailableDeliveryChannelException"
    );
    world
        .ok("DeleteConfigurationRecorder", recorder.clone())
        .await;
    assert_eq!(
        world.refused("StartConfigurationRecorder", recorder).await,
        "NoSuchConfigurationRecorderException"
    );
    let put = json!({"DeliveryChannel": {"name": "default", "s3BucketName": "bucket"}});
    assert_eq!(
        world.refused("PutDeliveryChannel", put).await,
        "NoAvailableConfigurationRecorderException"
    );
}

#[tokio::test]
async fn a_second_channel_is_one_too_many() {
    let world = World::new(&[GROUP]);
    let put = json!({"DeliveryChannel": {"name": "other", "s3BucketName": "bucket"}});
    assert_eq!(
        world.refused("PutDeliveryChannel", put).await,
        "MaxNumberOfDeliveryChannelsExceededException"
    );
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let world = World::new(&[GROUP]);
    let error = world
        .refusal("PutRemediationConfigurations", json!({}))
        .await;
    assert_eq!((error.status, error.code.as_ref()), (501, "NotImplemented"));
    let days = |days: i64| json!({"RetentionPeriodInDays": days});
    assert_eq!(
        world.refused("PutRetentionConfiguration", days(29)).await,
        "InvalidParameterValueException"
    );
    world.ok("PutRetentionConfiguration", days(2557)).await;
    let name = json!({"RetentionConfigurationName": "default"});
    world.ok("DeleteRetentionConfiguration", name.clone()).await;
    assert_eq!(
        world.refused("DeleteRetentionConfiguration", name).await,
        "NoSuchRetentionConfigurationException"
    );
}

#[tokio::test]
async fn a_recorder_of_a_service_stands_beside_and_cannot_be_touched() {
    let world = World::new(&[GROUP]);
    let service = json!({"ServicePrincipal": "observabilityadmin.amazonaws.com"});
    let made = world
        .ok("PutServiceLinkedConfigurationRecorder", service.clone())
        .await;
    let name = made["Name"].as_str().unwrap();
    assert!(name.starts_with("AWSConfigurationRecorderFor"));
    let again = world.refused("PutServiceLinkedConfigurationRecorder", service.clone());
    assert_eq!(again.await, "ConflictException");
    let other = json!({"ServicePrincipal": "ec2.amazonaws.com"});
    let other = world.refused("PutServiceLinkedConfigurationRecorder", other);
    assert_eq!(other.await, "ValidationException");

    let all = world.ok("DescribeConfigurationRecorders", json!({})).await;
    assert_eq!(all["ConfigurationRecorders"].as_array().unwrap().len(), 2);
    let own = world
        .ok("DescribeConfigurationRecorders", service.clone())
        .await;
    assert_eq!(own["ConfigurationRecorders"][0]["name"], name);
    assert_eq!(
        own["ConfigurationRecorders"][0]["recordingScope"],
        "INTERNAL"
    );
    for operation in [
        "StartConfigurationRecorder",
        "StopConfigurationRecorder",
        "DeleteConfigurationRecorder",
    ] {
        let input = json!({ "ConfigurationRecorderName": name });
        assert_eq!(
            world.refused(operation, input).await,
            "UnmodifiableEntityException",
            "{operation}"
        );
    }
    world
        .ok("DeleteServiceLinkedConfigurationRecorder", service.clone())
        .await;
    let gone = world.refused("DeleteServiceLinkedConfigurationRecorder", service);
    assert_eq!(gone.await, "NoSuchConfigurationRecorderException");
}
